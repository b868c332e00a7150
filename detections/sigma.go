package detections

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// sigmaWindows is how far back Sigma's rules look, by level. They are about single events; it is how late one may be.
var sigmaWindows = map[string]time.Duration{
	"high": 30 * time.Minute, "medium": 30 * time.Minute, "low": time.Hour, "informational": time.Hour,
}

var (
	sigmaTitle = regexp.MustCompile(`(?m)^# (.+)$`)
	sigmaLevel = regexp.MustCompile(`(?m)^# Level: (\w+)$`)
	sigmaQuery = regexp.MustCompile("(?m)^({job=`[^`]+`}) (\\| json .+)$")
	sigmaExact = regexp.MustCompile("(?:eventType|displayMessage|legacyEventType|outcome_reason)=(`[^`]*`)")
)

// SigmaRules reads Sigma's rules in a folder such as sigma/rules, with what sigma/notes.yaml says of each, as metric queries: by actor,
// with a line filter in front where the rule names whole values.
func SigmaRules(folder fs.FS) ([]Rule, error) {
	files, err := fs.Glob(folder, "*/envelope.logql")
	if err != nil {
		return nil, err
	}
	notes, err := readNotes()
	if err != nil {
		return nil, err
	}
	var rules []Rule
	for _, severity := range Severities {
		for _, file := range files {
			rule, err := readSigma(folder, file)
			if err != nil {
				return nil, err
			}
			note, ok := notes[rule.Name]
			if !ok {
				return nil, fmt.Errorf("notes.yaml: nothing about %s", rule.Name)
			}
			rule.Description, rule.FalsePositives = note.Description, note.FalsePositives
			rule.Investigate, rule.Contain = note.Investigate, note.Contain
			if rule.Severity == severity {
				rules = append(rules, rule)
			}
		}
	}
	return rules, nil
}

func readSigma(folder fs.FS, file string) (Rule, error) {
	envelope, err := fs.ReadFile(folder, file)
	if err != nil {
		return Rule{}, err
	}
	raw, err := fs.ReadFile(folder, path.Join(path.Dir(file), "raw.logql"))
	if err != nil {
		return Rule{}, err
	}
	title, level := sigmaTitle.FindSubmatch(envelope), sigmaLevel.FindSubmatch(envelope)
	if title == nil || level == nil {
		return Rule{}, fmt.Errorf("%s: a title and a level were expected in the comments", file)
	}
	rule := Rule{
		Name: path.Base(path.Dir(file)), Title: string(title[1]), Severity: string(level[1]), Labels: []string{"org", "actor_id", "actor"},
		sigma: true, Window: model.Duration(sigmaWindows[string(level[1])]), Interval: model.Duration(intervals[string(level[1])]),
	}
	if rule.Query, err = count(string(envelope), "event.actor", rule.Window); err != nil {
		return Rule{}, fmt.Errorf("%s: %w", file, err)
	}
	rule.forEvent, err = count(string(raw), "actor", rule.Window)
	rule.forEvent = strings.ReplaceAll(rule.forEvent, `="event.`, `="`) // those of evidenceStages
	return rule, err
}

// count makes a log query of Sigma's a metric query by actor, which is the member at this path.
func count(query, actor string, window model.Duration) (string, error) {
	parts := sigmaQuery.FindStringSubmatch(query)
	if parts == nil {
		return "", fmt.Errorf("not a query of the expected form: %s", query)
	}
	var whole []string
	for _, value := range sigmaExact.FindAllStringSubmatch(parts[2], -1) {
		whole = append(whole, value[1])
	}
	selector := parts[1]
	if len(whole) > 0 {
		selector += " |= " + strings.Join(whole, " or ")
	}
	return atMost(withEvidence(fmt.Sprintf(`sum by (org, actor_id, actor) (
  count_over_time(
    %s %s
      | json actor_id="%s.id", actor="%s.alternateId" | __error__="" [%s]
  )
) > 0`, selector, parts[2], actor, actor, window))), nil
}
