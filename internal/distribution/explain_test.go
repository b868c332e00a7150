package distribution

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/token"

	"github.com/grafana/alloy/okta/internal/distribution/components"
)

func TestExplainKeepsErrorsWithoutDiagnostics(t *testing.T) {
	require.Equal(t, fs.ErrNotExist, explain(fs.ErrNotExist))
	require.NoError(t, explain(nil))
}

func TestExplainPrintsEveryDiagnostic(t *testing.T) {
	original := diag.Diagnostics{
		{Severity: diag.SeverityLevelError, StartPos: token.Position{Filename: "a", Line: 1, Column: 2}, Message: "some error"},
		{Severity: diag.SeverityLevelError, StartPos: token.Position{Filename: "b", Line: 3, Column: 4},
			Message: `loading module: cannot find the definition of component name "faro.receiver" (and 1 more diagnostics)`},
	}
	err := fmt.Errorf("loading: %w", explain(original))

	require.EqualError(t, err, `loading: a:1:2: some error; b:3:4: loading module: cannot find the definition of component name `+
		`"faro.receiver": `+
		`it is not part of this build: upstream Alloy `+components.Alloy+` has it, alloy-okta leaves it out; run "alloy-okta components" or see `+
		`docs/components.md for the list (and 1 more diagnostics)`)
	require.NotContains(t, original[1].Message, "upstream")

	var diags diag.Diagnostics
	require.True(t, errors.As(err, &diags))
	require.Len(t, diags, 2)
	require.Equal(t, original[1].StartPos, diags[1].StartPos)
}
