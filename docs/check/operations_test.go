package check

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// source is the program's own code, without tests.
func source(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, root := range []string{"../../component", "../../internal"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			all.Write(content)
			return err
		}))
	}
	return all.String()
}

// quoted returns the beginnings of log lines in a text. Names of fields and arguments, also in back quotes, are one word.
func quoted(text string) (lines []string) {
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], " ") {
			lines = append(lines, m[1])
		}
	}
	return lines
}

// over is how a line ends that says that the trouble before it is over.
var over = regexp.MustCompile(`(again|recovered|continues)$`)

func TestTroubleshootingQuotesLinesThatAreReallyLogged(t *testing.T) {
	section, code := read(t, "operations.md").sections["Log lines"], source(t)
	lines := quoted(section)
	require.Greater(t, len(lines), 30)
	for _, text := range lines {
		require.Truef(t, strings.Contains(code, `"`+text), "Log lines quotes the beginning of a line that no code logs: %s", text)
	}
	require.Contains(t, strings.Join(strings.Fields(section), " "), "ends in `again`, `recovered` or `continues` says that the trouble is over")

	// And the other way round: what a poller tells an operator is explained.
	poller, err := filepath.Glob("../../internal/poller/*.go")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)level\.(?:Info|Warn|Error)\([^)]*\)\.Log\("msg", "([^"]+)"|warnOnce\([^,]+, "[^"]+", "([^"]+)"` +
		`|say\("([^"]+)"\)|^\t+return "([^"]+)"$`)
	told := 0
	for _, name := range poller {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range line.FindAllStringSubmatch(string(content), -1) {
			text := strings.Join(m[1:], "")
			told++
			// Only the library's Deliver has errors of its own; the component's sink fails with its context alone.
			if text == "delivery failed" {
				continue
			}
			explained := over.MatchString(text)
			for _, beginning := range lines {
				explained = explained || strings.HasPrefix(text, beginning)
			}
			require.Truef(t, explained, "operations.md does not explain %q", text)
		}
	}
	require.Greater(t, told, 35)
}

func TestTheCheckpointThatTheGuideWritesByHandWorks(t *testing.T) {
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(read(t, "operations.md").sections["The cursor"])
	require.NotNil(t, block)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, checkpoint.FileName("https://acme.okta.com")), []byte(block[1]), 0o600))
	journal, notes, _ := checkpoint.Open(dir, checkpoint.Scope{Org: "https://acme.okta.com", PageSize: oktaapi.MaxPageSize}, time.Minute)
	require.Empty(t, notes)
	mark, ok := journal.Resume()
	require.True(t, ok)
	org, _, err := oktaapi.ParseOrg("https://acme.okta.com")
	require.NoError(t, err)
	require.Equal(t, string(oktaapi.New(oktaapi.Config{Org: org}).Start(mark.Published)), mark.Cursor,
		"the cursor that the component itself would start with")
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)|(?m)^\[[^\]]+\]: (\S+)$`)

// anchors are the fragments that GitHub gives a page's headings.
func anchors(content string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(content, -1) {
		text := strings.ToLower(regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[2], "$1"))
		all[strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N}_\- ]`).ReplaceAllString(text, ""), " ", "-")] = true
	}
	return all
}

func TestLinksInTheDocumentationLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	checked := 0
	for _, name := range append(pages, "../../README.md") {
		content, err := os.ReadFile(name)
		if os.IsNotExist(err) && strings.HasSuffix(name, "README.md") {
			continue
		}
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(content), -1) {
			target, err := url.Parse(m[1] + m[2])
			require.NoErrorf(t, err, "%s", name)
			if target.Scheme != "" {
				continue
			}
			there, page := string(content), name
			if target.Path != "" {
				page = filepath.Join(filepath.Dir(name), target.Path)
				info, err := os.Stat(page)
				require.NoErrorf(t, err, "%s links to %s", name, target)
				if info.IsDir() || target.Fragment == "" {
					checked++
					continue
				}
				raw, err := os.ReadFile(page)
				require.NoError(t, err)
				there = string(raw)
			}
			require.Containsf(t, anchors(there), target.Fragment, "%s links to %s", name, target)
			checked++
		}
	}
	require.Greater(t, checked, 30)
}
