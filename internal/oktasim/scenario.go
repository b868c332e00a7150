package oktasim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Scenario is an attack as the System Log shows it.
type Scenario struct {
	Name  string        // such as "push-bombing"
	About string        // what the attacker does, in one line
	Lasts time.Duration // from its first event to the time at which its last one is in the log, at most

	act func(*attack)
}

// Scenarios are all attacks that an org can suffer. Each fires rules in detections/rules; its events are those that rules look for
// and those that surround them in a real log.
func Scenarios() []Scenario { return slices.Clone(scenarios) }

var scenarios = []Scenario{
	{
		"push-bombing",
		"an attacker with a password sends Okta Verify pushes until the user accepts one",
		8 * time.Minute, pushBombing,
	},
	{
		"password-spray",
		"one password against 50 accounts from four addresses of a hosting provider; one account opens",
		9 * time.Minute, passwordSpray,
	},
	{
		"session-hijack",
		"a stolen session cookie is used from two other networks while its owner goes on working",
		9 * time.Minute, sessionHijack,
	},
	{
		"admin-takeover",
		"an administrator's account makes a token, an identity provider and an administrator, and weakens the policy",
		10 * time.Minute, adminTakeover,
	},
	{
		"help-desk",
		"the help desk is talked into resetting a user's password and factors, and the caller enrolls a device",
		10 * time.Minute, helpDesk,
	},
	{
		"log-stream-tampering",
		"an administrator's account turns off what carries the log away, then grants itself a role",
		6 * time.Minute, logStreamTampering,
	},
	{
		"support-impersonation",
		"a support session resets an administrator's password and factors",
		9 * time.Minute, supportImpersonation,
	},
	{
		"app-sprawl",
		"a session from an anonymizing proxy opens every application, tries those it may not, and reads a shared password",
		7 * time.Minute, appSprawl,
	},
}

func scenarioNamed(name string) (Scenario, error) {
	var names []string
	for _, s := range scenarios {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scenario{}, fmt.Errorf("unknown scenario %q: it is one of %s", name, strings.Join(names, ", "))
}

// CheckScenario refuses a name that is not among [Scenarios] with the list of those that are.
func CheckScenario(name string) error {
	_, err := scenarioNamed(name)
	return err
}

// Play lets an attack begin at this time of the org's clock. What lies in the past is there at once, and what lies ahead appears
// when the clock gets there; events that the log has already gone beyond arrive late, as [Org.AppendAt] says. Who is attacked depends
// on Seed, the name, and how often this org has played it, not on the traffic around it. An unknown name is refused with the
// list of those there are.
func (o *Org) Play(name string, start time.Time) error {
	s, err := scenarioNamed(name)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.stage(s, start) {
		o.persist(s, len(s.events))
	}
	return nil
}

// PlayLast is Play for an attack that ends now.
func (o *Org) PlayLast(name string) error {
	s, err := scenarioNamed(name)
	if err != nil {
		return err
	}
	return o.Play(name, o.Now().Add(-s.Lasts))
}

// GenerateWith is [Org.Generate] with attacks among the events, which come on top of n. All of them end now.
func (o *Org) GenerateWith(n int, span time.Duration, names ...string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var due []*scene
	for _, name := range names {
		s, err := scenarioNamed(name)
		if err != nil {
			return err
		}
		due = append(due, o.stage(s, o.now().Add(-s.Lasts))...)
	}
	slices.SortStableFunc(due, func(a, b *scene) int { return a.persisted.Compare(b.persisted) })
	o.generate(n, span, due)
	return nil
}

// stage lets an attack take place and returns its transactions in the order of their persistence.
func (o *Org) stage(s Scenario, start time.Time) []*scene {
	if o.played == nil {
		o.played = map[string]uint64{}
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(s.Name)) // never fails
	cast := newWorld(o.Seed)          // the same people as in the traffic, whatever has happened there
	cast.rng = rand.New(rand.NewPCG(uint64(o.Seed), hash.Sum64()+o.played[s.Name]))
	cast.drawNode()
	cast.quiet = true
	o.played[s.Name]++

	a := &attack{world: cast, at: start}
	s.act(a)
	for _, s := range a.scenes {
		s.persisted = s.published[0].Add(cast.lag())
	}
	slices.SortStableFunc(a.scenes, func(a, b *scene) int { return a.persisted.Compare(b.persisted) })
	return a.scenes
}

// attack is a scenario while it takes place: one transaction after another, in a world of its own.
type attack struct {
	*world
	at     time.Time
	scenes []*scene
}

// wait lets this much time pass, or up to a fifth less.
func (a *attack) wait(d time.Duration) {
	a.at = a.at.Add(d - time.Duration(a.rng.Int64N(int64(d)/5)))
}

// request opens a transaction in which somebody's browser asks for this path.
func (a *attack) request(by *user, uri string) *scene {
	s := &scene{world: a.world, at: a.at.Truncate(time.Millisecond), kind: "WEB", transaction: a.requestID(), uri: uri}
	a.scenes = append(a.scenes, s)
	return s.as(by)
}

// employee is a user who is no administrator; the same one is never returned twice.
func (a *attack) employee() *user {
	for {
		if u := &a.users[a.rng.IntN(len(a.users))]; !u.admin && !u.cast {
			u.cast = true
			return u
		}
	}
}

// administrator is a user who is one; the same one is never returned twice.
func (a *attack) administrator() *user {
	for {
		if u := &a.users[a.rng.IntN(len(a.users))]; u.admin && !u.cast {
			u.cast = true
			return u
		}
	}
}

// hosts are networks that nobody of the company sits in: two hosting providers and the anonymizing proxy of networks.
var hosts = []network{
	{
		"198.19.10", "Tallinn", "Harjumaa", "Estonia", "10111", 59.437, 24.7536, 64701, "narva hosting", "narva hosting oü",
		"narva.example", false,
	},
	{
		"198.19.20", "Singapore", "Singapore", "Singapore", "018956", 1.2897, 103.8501, 64702, "merlion cloud", "merlion cloud pte. ltd.",
		"merlion.example", false,
	},
	networks[len(networks)-1],
}

var intruderAgent = userAgent{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36", "Windows 10", "CHROME",
}

// intruder is somebody else under a user's name: another network, browser and device, and a session of their own.
func (a *attack) intruder(as *user, from network) *user {
	u := *as
	u.place, u.ip, u.agent, u.kind, u.device = from, a.address(from), intruderAgent, "Computer", nil
	u.session, u.dtHash, u.stranger = a.sessionID(), a.hex(64), true
	return &u
}

// everythingNew is debugData.behaviors of somebody whom Okta has never seen like this.
const everythingNew = "{New Geo-Location=POSITIVE, New Device=POSITIVE, New IP=POSITIVE, New State=POSITIVE, New Country=POSITIVE, " +
	"Velocity=POSITIVE, New City=POSITIVE}"

// suspect is the evaluation of the sign-on policy for such a one.
func (s *scene) suspect(app *party, result string) *logEvent {
	return s.evaluate(app, result).data("behaviors", everythingNew, "risk", "{reasons=Anomalous Location, Anomalous Device, level=HIGH}",
		"logOnlySecurityData", `{"risk":{"reasons":"Anomalous Location, Anomalous Device","level":"HIGH"},"behaviors":{`+
			`"New Geo-Location":"POSITIVE","New Device":"POSITIVE","New IP":"POSITIVE","New State":"POSITIVE",`+
			`"New Country":"POSITIVE","Velocity":"POSITIVE","New City":"POSITIVE"}}`)
}

// risky gives an event the risk objects of a high risk found by a detection.
func (e *logEvent) risky(detection string, reasons ...string) *logEvent {
	e.SecurityContext.Risk = map[string]any{
		"level": "HIGH", "reasons": reasons, "detectionName": detection, "issuer": "Okta", "previousLevel": "LOW",
	}
	return e.data("risk", "{reasons="+strings.Join(reasons, ", ")+", detectionName="+detection+", level=HIGH}")
}
