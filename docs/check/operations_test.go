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

func TestTroubleshootingQuotesLinesThatAreReallyLogged(t *testing.T) {
	p, code := read(t, "operations.md"), source(t)
	quoted := 0
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(p.sections["Log lines"], -1) {
		require.Contains(t, code, row[1], "Log lines quotes a line that no code logs")
		quoted++
	}
	require.Greater(t, quoted, 20)

	// And the other way round: what a poller tells an operator is explained.
	poller, err := filepath.Glob("../../internal/poller/*.go")
	require.NoError(t, err)
	line := regexp.MustCompile(`level\.(?:Info|Warn|Error)\([^)]*\)\.Log\("msg", "([^"]+)"|warnOnce\([^,]+, "[^"]+", "([^"]+)"`)
	told := 0
	for _, name := range poller {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range line.FindAllStringSubmatch(string(content), -1) {
			text := m[1] + m[2]
			told++
			// Lines that only a defect of ours would cause.
			if text == "delivery failed" {
				continue
			}
			explained := false
			for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(p.sections["Log lines"], -1) {
				explained = explained || strings.HasPrefix(text, row[1])
			}
			require.Truef(t, explained, "operations.md does not explain %q", text)
		}
	}
	require.Greater(t, told, 10)
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
