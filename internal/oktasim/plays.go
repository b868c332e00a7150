package oktasim

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Each file in plays has plays and the events that happen in them, as Okta writes them. An event may be pasted from a real log: its
// uuid and published become new ones. $name stands for a variable, see [scene.value].
//
//go:embed plays
var playFiles embed.FS

// play is something that happens: everyday work, or an attack, which has a time that it lasts.
type play struct {
	Name     string   `json:"name"`
	Weight   int      `json:"weight"`   // how often it takes place among all; 0: never by itself
	Alarming bool     `json:"alarming"` // not in a quiet org
	About    string   `json:"about"`
	Lasts    duration `json:"lasts"`
	Cast     []part   `json:"cast"`
	Scenes   []script `json:"scenes"`
}

// part is who acts under a name. Without From and Like it is who they are, at their own place and browser.
type part struct {
	Name    string `json:"name"`
	Who     any    `json:"who"`     // "anyone", "employee" or "administrator", each only once in a play; or another part; or a party
	From    string `json:"from"`    // the city of a network from which a stranger acts under this name
	Like    string `json:"like"`    // the part whose place, browser and session it has
	Session string `json:"session"` // "new", "unknown", or the part whose session it is
	Agent   string `json:"agent"`   // the browser's name in people.json
}

// script is one transaction.
type script struct {
	After   duration            `json:"after"`   // passes before, or up to a fifth less
	By      *string             `json:"by"`      // the part that asks; nil: anyone; "admin": an administrator; "": nobody, a background job
	On      string              `json:"on"`      // the part that $subject is; "": anyone
	Browser *float64            `json:"browser"` // the chance that it is asked by a browser and not by a program with a token; nil: 1
	Session string              `json:"session"` // as in part
	Vary    map[string][]any    `json:"vary"`    // variables, and the values of which they have one; of parties, the name
	Each    map[string][]string `json:"each"`    // variables: one transaction for each of their values
	Cast    []part              `json:"cast"`    // anew for each
	Events  []step              `json:"events"`
}

// step is an event, one of several in a list, or one that may happen.
type step struct {
	OneOf  []string
	Chance float64
}

func (s *step) UnmarshalJSON(b []byte) error {
	var may struct {
		Maybe float64 `json:"maybe"`
		Event string  `json:"event"`
	}
	s.Chance = 1
	switch b[0] {
	case '"':
		s.OneOf = []string{""}
		return json.Unmarshal(b, &s.OneOf[0])
	case '[':
		return json.Unmarshal(b, &s.OneOf)
	default:
		err := json.Unmarshal(b, &may)
		s.OneOf, s.Chance = []string{may.Event}, may.Maybe
		return err
	}
}

type duration time.Duration

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}

var (
	everyday []play // those with a weight, the quiet ones first
	attacks  []play // by name
	events   = map[string]*template{}
	objects  = map[string][]*template{} // variables that are composed of others; each has one of these values
)

func init() {
	var alarming []play
	files, err := playFiles.ReadDir("plays")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, f := range files {
		var file struct {
			Plays   []play                       `json:"plays"`
			Events  map[string]json.RawMessage   `json:"events"`
			Objects map[string][]json.RawMessage `json:"objects"`
		}
		data, _ := playFiles.ReadFile("plays/" + f.Name())
		mustDecode(f.Name(), data, &file)
		for _, p := range file.Plays {
			switch {
			case p.Weight == 0:
				attacks = append(attacks, p)
			case p.Alarming:
				alarming = append(alarming, p)
			default:
				everyday = append(everyday, p)
			}
		}
		for name, raw := range file.Events {
			events[name] = compile(raw)
		}
		for name, all := range file.Objects {
			for _, raw := range all {
				objects[name] = append(objects[name], compile(raw))
			}
		}
	}
	everyday = append(everyday, alarming...)
	slices.SortFunc(attacks, func(a, b play) int { return strings.Compare(a.Name, b.Name) })
}

// template is an event, cut at its variables.
type template struct {
	head    []piece
	targets [][]piece // when there are several; their order is no promise
}

// piece is bytes and then a variable's value, as JSON or as a part of a string.
type piece struct {
	text     string
	variable string // "": none
	inString bool
}

var variables = regexp.MustCompile(`"\$([a-z]\w*(?:\.\w+)?)"|\$([a-z]\w*(?:\.\w+)?)`)

func compile(raw json.RawMessage) *template {
	for _, name := range []string{"uuid", "published"} {
		if v := gjson.GetBytes(raw, name); v.Exists() {
			raw = slices.Replace(slices.Clone(raw), v.Index, v.Index+len(v.Raw), []byte(`"$`+name+`"`)...)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		panic(fmt.Sprintf("oktasim: %v: %s", err, raw))
	}
	text := compact.String()

	t := &template{}
	targets := gjson.Get(text, "target")
	if all := targets.Array(); len(all) > 1 && strings.HasSuffix(text, targets.Raw+"}") {
		text = strings.TrimSuffix(text, targets.Raw+"}")
		for _, target := range all {
			t.targets = append(t.targets, cut(target.Raw))
		}
	}
	// A browser's device is there or not, with its name.
	t.head = cut(strings.Replace(text, `"device":"$device",`, `"$device"`, 1))
	return t
}

func cut(text string) (pieces []piece) {
	at := 0
	for _, m := range variables.FindAllStringSubmatchIndex(text, -1) {
		p := piece{text: text[at:m[0]], inString: m[2] < 0}
		if p.inString {
			p.variable = text[m[4]:m[5]]
		} else {
			p.variable = text[m[2]:m[3]]
		}
		pieces, at = append(pieces, p), m[1]
	}
	return append(pieces, piece{text: text[at:]})
}
