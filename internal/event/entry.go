package event

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/grafana/alloy/okta/internal/rawjson"
	"github.com/grafana/alloy/okta/internal/redact"
)

// The line formats.
const (
	FormatEnvelope = "envelope" // the event inside an object, as okta-logs-collector wrote it
	FormatEvent    = "event"    // the event alone
)

// Options say how events become entries. The zero value, with Org set, gives
// the documented defaults.
type Options struct {
	Org                string            // the org's host, the value of the org label; required
	LineFormat         string            // FormatEnvelope or FormatEvent; "" means FormatEnvelope
	Labels             map[string]string // added to job and org, and may replace them; an empty value removes a label
	RelabelRules       []*relabel.Config // applied in order to the labels above and the __okta_* labels
	StructuredMetadata map[string]string // name to path; nil means DefaultStructuredMetadata, empty means none
	Redaction          *redact.Options   // option: redact. nil means nothing is redacted
}

// DefaultStructuredMetadata returns the metadata that entries have when none is
// configured. The event_target_* keys exist because LogQL's json parser drops
// arrays: with them rules that name target.displayName work on envelopes. Of a
// membership, which has a user and a group, both are there. detected_level is
// the name that Loki gives the level that it would else look for in each line
// (loki/v3 pkg/distributor/field_detection.go).
func DefaultStructuredMetadata() map[string]string {
	const target, group = "target[AppInstance|User|0].", "target[UserGroup]."
	return map[string]string{
		"eventType":                typePath,
		"outcome":                  "outcome.result",
		"detected_level":           levelPath,
		"event_target_id":          target + "id",
		"event_target_type":        target + "type",
		"event_target_alternateId": target + "alternateId",
		"event_target_displayName": target + "displayName",

		"event_target_group_type":        group + "type",
		"event_target_group_displayName": group + "displayName",
	}
}

// An Entry is one entry for Loki. Labels may be shared with other entries and
// must not be changed. They are nil when the relabeling rules dropped the
// event, which is then not to be forwarded, and empty when the rules left no
// label.
type Entry struct {
	Labels    model.LabelSet
	LabelsKey model.Fingerprint // Labels.Fingerprint(): the same for the same labels, also in another process
	push.Entry
}

// A Formatter turns events into entries. It is safe for concurrent use.
type Formatter struct {
	envelope  bool
	labels    *labeler
	metadata  []metadatum // by name
	profile   []attribute
	selection selection        // the values that labels and metadata need
	redactor  *redact.Redactor // option: redact. nil: nothing is redacted
}

// A metadatum is one structured metadata key.
type metadatum struct {
	name   string
	output int                 // in the selection
	text   func(string) string // makes the value of what is there; nil: it is the value
}

// made are values that are made of an event's, by the name that stands for their path.
var made = map[string]struct {
	of   string // the path of what there is
	text func(string) string
}{
	countryCode: {"client.geographicalContext.country", isoCountry},
	levelPath:   {severityPath, level},
}

const (
	typePath     = "eventType"
	severityPath = "severity"
	levelPath    = "level" // stands for the level in the envelope
)

// New checks the options, and the attributes of the actor's profile that a [Context] may have. Errors name the value and what is allowed
// instead.
func New(opts Options, profile ...string) (*Formatter, error) {
	f := &Formatter{}
	switch opts.LineFormat {
	case "", FormatEnvelope:
		f.envelope = true
	case FormatEvent:
	default:
		return nil, fmt.Errorf("line_format %q: must be %q or %q", opts.LineFormat, FormatEnvelope, FormatEvent)
	}
	if opts.Org == "" {
		return nil, fmt.Errorf("the org's host is missing")
	}
	var err error
	if f.labels, err = newLabeler(opts, profile, &f.selection); err != nil {
		return nil, err
	}
	if err := f.addMetadata(opts); err != nil {
		return nil, err
	}
	if f.profile, err = newProfile(opts, profile); err != nil {
		return nil, err
	}
	if f.redactor, err = newRedactor(opts.Redaction); err != nil { // option: redact
		return nil, err // option: redact
	} // option: redact
	return f, nil
}

func (f *Formatter) addMetadata(opts Options) error {
	paths := opts.StructuredMetadata
	if paths == nil {
		paths = DefaultStructuredMetadata()
	}
	names := make([]string, 0, len(paths))
	for name := range paths {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := checkName(name); err != nil {
			return fmt.Errorf("structured metadata %w", err)
		}
		if strings.Trim(name, "_") == "" {
			return fmt.Errorf("structured metadata %q: a name of underscores only makes Loki refuse the whole batch; use another name", name)
		}
		if _, taken := f.labels.fixed[model.LabelName(name)]; taken && opts.StructuredMetadata != nil {
			return fmt.Errorf("structured metadata %q: entries have a label of this name, and Loki would hide one of the two; "+
				"use another name", name)
		}
		path, special := paths[name], made[paths[name]]
		if special.of != "" {
			path = special.of
		}
		p, err := rawjson.ParsePath(path, false)
		if err != nil {
			return fmt.Errorf("structured metadata %q: %w, or %q or %q", name, err, countryCode, levelPath)
		}
		f.metadata = append(f.metadata, metadatum{name, f.selection.add(p), special.text})
	}
	return nil
}

// Entry makes the entry for an event. Its time is the event's, exactly, or now
// when the event has none (ev.Published.IsZero()). The entry shares no memory
// with the event or its page.
func (f *Formatter) Entry(ev Event, now time.Time) Entry { return f.EntryIn(Context{}, ev, now) }

// EntryIn is Entry with what is known about the event's parties beside it.
func (f *Formatter) EntryIn(c Context, ev Event, now time.Time) Entry {
	if f.redactor != nil { // option: redact
		return f.redacted(&ev, c, now) // option: redact
	} // option: redact
	return f.entry(&ev, c, now)
}

func (f *Formatter) entry(ev *Event, c Context, now time.Time) Entry {
	timestamp := ev.Published
	if timestamp.IsZero() {
		timestamp = now
	}
	line, at := f.line(ev, timestamp)
	raw := line[at : at+len(ev.Raw)]

	var space [24]value
	found := space[:]
	if f.selection.size > len(space) {
		found = make([]value, f.selection.size)
	}
	f.selection.find(ev, found)

	stream := f.stream(rawjson.Alias(ev.Raw), found, c)
	return Entry{
		Labels:    stream.labels,
		LabelsKey: stream.key,
		Entry: push.Entry{
			Timestamp:          timestamp,
			Line:               line,
			StructuredMetadata: c.append(f.structured(raw, found, stream), f, stream),
		},
	}
}

const (
	lineBegin = `{"event":`
	lineLevel = `,"level":"`
	lineTime  = `","msg":"received event","time":"`
	lineEnd   = `"}`
)

// line returns the line and where in it the event starts.
func (f *Formatter) line(ev *Event, timestamp time.Time) (line string, at int) {
	var b strings.Builder
	if !f.envelope {
		b.Grow(len(ev.Raw))
		b.Write(ev.Raw)
		return b.String(), 0
	}
	const formatted = "2006-01-02T15:04:05.000Z07:00"
	b.Grow(len(lineBegin) + len(ev.Raw) + len(lineLevel) + len("warning") + len(lineTime) + 40 + len(lineEnd))
	b.WriteString(lineBegin)
	b.Write(ev.Raw)
	b.WriteString(lineLevel)
	b.WriteString(level(ev.Severity))
	b.WriteString(lineTime)
	if published := ev.fields[fieldPublished]; !ev.Published.IsZero() {
		b.Write(published.Inner().Of(ev.Raw))
	} else {
		var buf [len(formatted)]byte
		b.Write(timestamp.UTC().AppendFormat(buf[:0], formatted))
	}
	b.WriteString(lineEnd)
	return b.String(), len(lineBegin)
}

// level is the level that okta-logs-collector, through logrus, gave an event:
// it wrote DEBUG and what it did not know as info.
func level(severity string) string {
	switch {
	case severity == "INFO": // nearly all
		return "info"
	case strings.EqualFold(severity, "WARN"), strings.EqualFold(severity, "WARNING"):
		return "warning"
	case strings.EqualFold(severity, "ERROR"):
		return "error"
	default:
		return "info"
	}
}

// stream returns the labels for the event whose bytes are raw.
func (f *Formatter) stream(raw string, found []value, c Context) *stream {
	var space [16]string
	values := space[:0]
	for _, source := range f.labels.sources {
		if source.context != nil {
			values = append(values, source.context(c))
			continue
		}
		value := valueText(raw, found[source.output])
		if source.name == levelLabel {
			value = level(value)
		}
		values = append(values, value)
	}
	return f.labels.stream(values, f.metadata)
}

// structured returns the structured metadata, by name. Values that are missing,
// null or empty are left out, and so are names that are labels of the entry.
func (f *Formatter) structured(raw string, found []value, stream *stream) push.LabelsAdapter {
	if len(f.metadata) == 0 {
		return nil
	}
	all := make(push.LabelsAdapter, 0, len(f.metadata))
	for i, m := range f.metadata {
		if stream.taken != nil && stream.taken[i] {
			continue
		}
		value := valueText(raw, found[m.output])
		if m.text != nil {
			value = m.text(value)
		}
		if value != "" {
			all = append(all, push.LabelAdapter{Name: m.name, Value: value})
		}
	}
	return all
}

// valueText returns a value as text: a string's content, a number, true or
// false as spelled, an object or array as its JSON, null and nothing as "".
// The result shares memory with raw unless it had to be unescaped.
func valueText(raw string, v value) string {
	if v.text != "" {
		raw = v.text
	}
	s := v.at
	if !s.Found() {
		return ""
	}
	value := raw[s.Start:s.End]
	switch value[0] {
	case 'n':
		return ""
	case '"':
		value = value[1 : len(value)-1]
		if strings.IndexByte(value, '\\') >= 0 {
			value = rawjson.Unquote([]byte(value))
		}
	}
	return validText(value)
}

// validText is text as labels and structured metadata may hold it: UTF-8.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
