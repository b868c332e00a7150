package oktasim

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
)

// world is the company behind an org: people who sit somewhere, own devices and use the same applications every day. It is drawn once
// from the seed, and all events are drawn from it, so the same seed and the same times give the same bytes.
type world struct {
	rng     *rand.Rand
	users   []person
	parties map[string][]party // by kind, such as app; people.json has them

	node   [6]byte // of the UUIDs
	serial uint64  // of the UUIDs
	quiet  bool    // Org.Quiet
}

// person is somebody at a browser. What of it stands in an event is in maps, by the names that templates have for it.
type person struct {
	party
	network  map[string]any
	agent    map[string]any
	computer map[string]any // nil: Okta does not know the device
	ip       string
	session  string
	dtHash   string // of a browser that is not the person's own; "": another one for each event
	admin    bool
}

// party is an actor or a target. What is null in the log is nil.
type party struct {
	ID          string         `json:"id"` // in people.json: the three letters that it begins with
	Type        string         `json:"type"`
	AlternateID *string        `json:"alternateId"`
	DisplayName *string        `json:"displayName"`
	DetailEntry map[string]any `json:"detailEntry"`
}

//go:embed people.json
var peopleJSON []byte

// company is what people.json holds. The addresses of networks come from the ranges that RFC 5737, RFC 2544 and RFC 3849 set aside;
// nobody of the company sits in those that are away, or has a browser without a platform.
var company struct {
	Names    []string           `json:"names"`
	Parties  map[string][]party `json:"parties"`
	Networks []map[string]any   `json:"networks"`
	Agents   []map[string]any   `json:"agents"`
	Choices  map[string][]any   `json:"choices"` // what variables of these names may be
}

// kinds are the parties in the order in which their ids are drawn.
var kinds = []string{"system", "app", "group", "policy", "zone", "service"}

func init() { mustDecode("people.json", peopleJSON, &company) }

// usersOfEachName is how often a name is somebody's.
const usersOfEachName = 3

func newWorld(seed int64) *world {
	w := &world{rng: rand.New(rand.NewPCG(uint64(seed), 0x0c7a51)), parties: map[string][]party{}}
	w.drawNode()
	for _, kind := range kinds {
		for _, p := range company.Parties[kind] {
			p.ID = w.id(p.ID)
			w.parties[kind] = append(w.parties[kind], p)
		}
	}
	for i := range usersOfEachName * len(company.Names) {
		w.users = append(w.users, w.newUser(i))
	}
	return w
}

func (w *world) drawNode() {
	for i := range w.node {
		w.node[i] = byte(w.rng.Uint32())
	}
	w.node[0] |= 1 // multicast bit: not a hardware address (RFC 9562, section 6.10)
}

func (w *world) newUser(i int) person {
	name := company.Names[i%len(company.Names)]
	login := fmt.Sprintf("%s%d@acme.example", slug(name), i)
	p := person{
		party:   party{ID: w.id("00u"), Type: "User", AlternateID: &login, DisplayName: &name},
		session: w.sessionID(),
		admin:   i%12 == 0,
	}
	for p.agent = pick(w, company.Agents); p.agent["platform"] == nil; {
		p.agent = pick(w, company.Agents)
	}
	for p.network = pick(w, company.Networks); p.network["away"] == true; {
		p.network = pick(w, company.Networks)
	}
	p.ip = w.address(p.network)
	if w.chance(0.3) {
		p.computer = map[string]any{
			"id": w.id("guo"), "name": fmt.Sprintf("ACME-%s-%03d", p.agent["platform"], i), "platform": p.agent["platform"],
			"version": fmt.Sprintf("%d.%d.%d", 10+w.rng.IntN(8), w.rng.IntN(7), w.rng.IntN(10)), "managed": w.chance(0.7), "jailbreak": nil,
		}
		if p.agent["device"] == "Mobile" {
			p.computer["jailbreak"] = false
		}
	}
	return p
}

// slug makes a login or a part of a path of a name: its letters a to z, or "user".
func slug(name string) string {
	letters := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	if letters == "" {
		return "user"
	}
	return letters
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func pick[T any](w *world, from []T) T { return from[w.rng.IntN(len(from))] }

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (w *world) letters(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[w.rng.IntN(len(alphabet))]
	}
	return string(b)
}

// id is an Okta object id: 20 characters of which the first three tell the kind.
func (w *world) id(prefix string) string { return prefix + w.letters(17, base62) }

func (w *world) sessionID() string { return "102" + w.letters(22, base62+"-_") }

func (w *world) hash() string { return w.letters(64, "0123456789abcdef") }

func (w *world) address(network map[string]any) string {
	prefix := network["prefix"].(string)
	if strings.Contains(prefix, ":") {
		return fmt.Sprintf("%s::%x", prefix, 1+w.rng.IntN(0xfffe))
	}
	return fmt.Sprintf("%s.%d", prefix, 1+w.rng.IntN(254))
}

// uuid is a version 1 UUID whose time is published, as most uuids in the log are. The serial number stands in for the 100 ns ticks
// within the millisecond, and beyond 10,000 for the clock sequence: no two are equal.
func (w *world) uuid(published time.Time) string {
	const gregorian = 0x01b21dd213814000 // 100 ns ticks from 1582-10-15 to 1970-01-01 (RFC 9562, section 5.1)
	ticks := uint64(published.UnixMilli())*10_000 + gregorian + w.serial%10_000
	clock := uint16(w.serial/10_000) & 0x3fff
	w.serial++
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[0:], uint32(ticks))
	binary.BigEndian.PutUint16(id[4:], uint16(ticks>>32))
	binary.BigEndian.PutUint16(id[6:], uint16(ticks>>48)&0x0fff|1<<12)
	binary.BigEndian.PutUint16(id[8:], clock|1<<15)
	copy(id[10:], w.node[:])
	return id.String()
}

// oktaTime is how Okta writes every time: UTC, always milliseconds.
const oktaTime = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string { return t.UTC().Format(oktaTime) }

// mustDecode decodes a file of this package. What is misspelled in it is a defect that the first test finds.
func mustDecode(name string, data []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		panic(fmt.Sprintf("oktasim: %s: %v", name, err))
	}
}
