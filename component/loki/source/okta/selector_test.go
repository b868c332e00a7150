// option: reconcile

package okta

import (
	"testing"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/stretchr/testify/require"
)

// What Loki's own parser says is the standard.
func TestSelectorsAreJudgedAsByLoki(t *testing.T) {
	for selector, good := range map[string]bool{
		`{job="loki.source.okta"}`:                       true,
		` { job = "loki.source.okta" , org=~"acme.*" } `: true,
		"{job=`loki.source.okta`}":                       true,
		`{job="it's"}`:                                   true,
		`{job="a\"b'"}`:                                  true,
		`{job!="a", org=~".+"}`:                          true,
		`{job="a", org!~"b|c"}`:                          true,
		"":                                               false,
		`{}`:                                             false,
		`{job=""}`:                                       false,
		`{job!="a"}`:                                     false,
		`{job=~".*"}`:                                    false,
		`{job=~"("}`:                                     false,
		`{job="a"`:                                       false,
		`{job='a'}`:                                      false,
		`{"a.b"="c"}`:                                    false,
		`{"up"}`:                                         false,
		`up{job="a"}`:                                    false,
		`up`:                                             false,
		`job="a"`:                                        false,
		`{job="a"} |= "text"`:                            false,
		`{job="a"} | json`:                               false,
		`count_over_time({job="a"}[1m])`:                 false,
		`{job="a"}[1m]`:                                  false,
		`{job="a"} offset 1m`:                            false,
		`{job="a"} and {job="b"}`:                        false,
		`{job=a}`:                                        false,
		`{job=="a"}`:                                     false,
		"{job=\"a\"} # comment":                          true,
	} {
		expr, err := syntax.ParseLogSelector(selector, true)
		_, alone := expr.(*syntax.MatchersExpr)
		require.Equal(t, good, err == nil && alone, "Loki: %s %v", selector, err)
		err = checkSelector(selector)
		require.Equal(t, good, err == nil, "%s %v", selector, err)
		if err != nil {
			require.Contains(t, err.Error(), "LogQL stream selector")
		}
	}
}
