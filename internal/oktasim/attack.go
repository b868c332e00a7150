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
}

// Scenarios are all attacks that an org can suffer, by name; each has a file in plays. Each fires rules in detections/rules; its events
// are those that rules look for and those that surround them in a real log.
func Scenarios() (all []Scenario) {
	for _, p := range attacks {
		all = append(all, Scenario{p.Name, p.About, time.Duration(p.Lasts)})
	}
	return all
}

func attackNamed(name string) (*play, error) {
	var names []string
	for i := range attacks {
		if attacks[i].Name == name {
			return &attacks[i], nil
		}
		names = append(names, attacks[i].Name)
	}
	return nil, fmt.Errorf("unknown scenario %q: it is one of %s", name, strings.Join(names, ", "))
}

// CheckScenario refuses a name that is not among [Scenarios] with the list of those that are.
func CheckScenario(name string) error {
	_, err := attackNamed(name)
	return err
}

// Play lets an attack begin at this time of the org's clock. What lies in the past is there at once, and what lies ahead appears when the
// clock gets there; events that the log has already gone beyond arrive late, as [Org.AppendAt] says. Who is attacked depends on Seed, the
// name, and how often this org has played it, not on the traffic around it. An unknown name is refused with the list of those there are.
func (o *Org) Play(name string, start time.Time) error {
	p, err := attackNamed(name)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.attack(p, start) {
		o.persist(s, len(s.events))
	}
	return nil
}

// PlayLast is Play for an attack that ends now.
func (o *Org) PlayLast(name string) error {
	p, err := attackNamed(name)
	if err != nil {
		return err
	}
	return o.Play(name, o.Now().Add(-time.Duration(p.Lasts)))
}

// GenerateWith is [Org.Generate] with attacks among the events, which come on top of n. All of them end now.
func (o *Org) GenerateWith(n int, span time.Duration, names ...string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var due []*scene
	for _, name := range names {
		p, err := attackNamed(name)
		if err != nil {
			return err
		}
		due = append(due, o.attack(p, o.now().Add(-time.Duration(p.Lasts)))...)
	}
	slices.SortStableFunc(due, func(a, b *scene) int { return a.persisted.Compare(b.persisted) })
	o.generate(n, span, due)
	return nil
}

// attack returns the transactions of an attack in the order of their persistence.
func (o *Org) attack(p *play, start time.Time) []*scene {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(p.Name)) // never fails
	w := newWorld(o.Seed)             // the same people as in the traffic, whatever has happened there
	w.rng = rand.New(rand.NewPCG(uint64(o.Seed), hash.Sum64()+o.played[p.Name]))
	w.drawNode()
	w.quiet = true
	put(&o.played, p.Name, o.played[p.Name]+1)

	scenes := w.perform(p, start)
	for _, s := range scenes {
		s.persisted = s.published[0].Add(w.lag())
	}
	slices.SortStableFunc(scenes, func(a, b *scene) int { return a.persisted.Compare(b.persisted) })
	return scenes
}
