package oktasim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stage is where a play takes place.
type stage struct {
	*world
	at     time.Time
	cast   map[string]*person
	taken  map[*person]bool
	same   map[string]string // what stays the same in the whole play
	scenes []*scene
}

// scene is one transaction: its events and when they were published.
type scene struct {
	*stage
	script    *script
	by        *person // nil: a background job
	program   bool    // no browser
	at        time.Time
	each      map[string]string
	vars      map[string]any
	events    [][]byte
	published []time.Time
	persisted time.Time // all of them
}

// perform lets a play take place and returns its transactions.
func (w *world) perform(p *play, start time.Time) []*scene {
	s := &stage{world: w, at: start, cast: map[string]*person{}, taken: map[*person]bool{}, same: map[string]string{}}
	for _, part := range p.Cast {
		s.enter(part, nil)
	}
	for i := range p.Scenes {
		script := &p.Scenes[i]
		if len(script.Each) == 0 {
			s.play(script, nil)
		}
		for name, values := range script.Each { // there is one
			for _, value := range values {
				s.play(script, map[string]string{name: value})
			}
		}
	}
	return s.scenes
}

// play lets one transaction take place, or none when no event of it happens.
func (s *stage) play(script *script, each map[string]string) {
	if d := time.Duration(script.After); d > 0 {
		s.at = s.at.Add(d - time.Duration(s.rng.Int64N(int64(d)/5)))
	}
	for _, part := range script.Cast {
		s.enter(part, each)
	}
	scene := &scene{stage: s, script: script, at: s.at.Truncate(time.Millisecond), each: each, vars: map[string]any{}}
	switch {
	case script.By == nil:
		scene.by = s.part("anyone")
	case *script.By != "":
		scene.by = s.part(*script.By)
	}
	if script.Session != "" {
		scene.by.session = s.session(script.Session)
	}
	scene.program = script.Browser != nil && !s.chance(*script.Browser)
	for _, step := range script.Events {
		if step.Chance < 1 && !s.chance(step.Chance) {
			continue
		}
		name := pick(s.world, step.OneOf)
		if events[name] == nil {
			panic("oktasim: no event is called " + name)
		}
		scene.log(events[name])
	}
	if len(scene.events) > 0 {
		s.scenes = append(s.scenes, scene)
	}
}

// enter gives a part to somebody.
func (s *stage) enter(p part, each map[string]string) {
	var who *person
	if name, ok := p.Who.(string); ok {
		who = s.part(name)
	} else {
		who = &person{}
		mustDecode(p.Name, encodePlain(p.Who), &who.party)
		who.ID = s.id("00u")
	}
	if p.From != "" || p.Like != "" || p.Agent != "" || p.Session != "" {
		who = s.disguised(*who, p, each)
	}
	s.cast[p.Name] = who
}

// disguised is somebody under the same name as who, elsewhere or at another browser.
func (s *stage) disguised(who person, p part, each map[string]string) *person {
	named := func(all []map[string]any, key, value string) map[string]any {
		return all[slices.IndexFunc(all, func(m map[string]any) bool { return m[key] == value })]
	}
	if name, ok := strings.CutPrefix(p.Like, "$"); ok {
		p.Like = each[name]
	}
	if p.Like != "" {
		as := who.party
		who = *s.part(p.Like)
		who.party = as
	}
	if p.From != "" {
		who.network, who.agent, who.computer = named(company.Networks, "city", p.From), named(company.Agents, "name", "intruder"), nil
		who.ip, who.session, who.dtHash = s.address(who.network), s.sessionID(), s.always("dtHash "+p.From, s.hash)
	}
	if p.Agent != "" {
		who.agent, who.computer = named(company.Agents, "name", p.Agent), nil
	}
	if p.Session != "" {
		who.session = s.session(p.Session)
	}
	return &who
}

// part is who has a part, or somebody who has none yet.
func (s *stage) part(name string) *person {
	if p := s.cast[name]; p != nil {
		return p
	}
	for {
		p := &s.users[s.rng.IntN(len(s.users))]
		fits := map[string]bool{"anyone": true, "employee": !p.admin, "administrator": p.admin, "admin": p.admin}
		if _, ok := fits[name]; !ok {
			panic("oktasim: nobody is called " + name)
		}
		if fits[name] && !s.taken[p] {
			s.taken[p] = true
			return p
		}
	}
}

func (s *stage) session(of string) string {
	switch of {
	case "new":
		return s.sessionID()
	case "unknown":
		return of
	}
	return s.part(of).session
}

// always is a value that stays the same in the whole play.
func (s *stage) always(name string, draw func() string) string {
	if s.same[name] == "" {
		s.same[name] = draw()
	}
	return s.same[name]
}

// log adds an event and lets up to 120 ms pass, often none.
func (s *scene) log(t *template) {
	b := s.expand(make([]byte, 0, 2048), t.head)
	if n := len(t.targets); n > 0 {
		targets := slices.Clone(t.targets)
		if s.chance(0.3) {
			targets[0], targets[n-1] = targets[n-1], targets[0]
		}
		for i, target := range targets {
			b = s.expand(append(b, "[,"[min(i, 1)]), target)
		}
		b = append(b, "]}"...)
	}
	s.events, s.published = append(s.events, b), append(s.published, s.at)
	if s.chance(0.6) {
		s.at = s.at.Add(time.Duration(s.rng.IntN(120)) * time.Millisecond)
	}
}

// expand appends a template with the values of its variables.
func (s *scene) expand(b []byte, pieces []piece) []byte {
	for _, p := range pieces {
		b = append(b, p.text...)
		if p.variable == "" {
			continue
		}
		value := s.value(p.variable)
		switch raw, isRaw := value.(json.RawMessage); {
		case isRaw:
			b = append(b, raw...)
		case p.inString:
			text := encodePlain(fmt.Sprint(value))
			b = append(b, text[1:len(text)-1]...)
		default:
			b = append(b, encodePlain(value)...)
		}
	}
	return b
}
