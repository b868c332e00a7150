package distribution

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGQLAsksARunningProcess(t *testing.T) {
	p := start(t, "--server.http.enable-graphql", "--server.http.enable-graphql-playground", "--stability.level=experimental",
		"--server.http.ui-path-prefix=/x", writeFile(t, "config.alloy", `loki.echo "e" { }`))
	endpoint := "--endpoint=http://" + p.addr + "/x/graphql"

	got := execute(t, "", "gql", endpoint, "components { id }")
	require.Zero(t, got.code, got.stderr)
	require.JSONEq(t, `{"data": {"components": [{"id": "loki.echo.e"}]}}`, got.stdout)

	got = execute(t, "", "gql", endpoint, "no_such_field")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "no_such_field")

	require.Contains(t, p.get(t, "/x/graphql/playground", 200), "/x/graphql")
}

func TestGQLOfAProcessWithoutItSaysSo(t *testing.T) {
	p := start(t, writeFile(t, "config.alloy", ""))
	got := execute(t, "", "gql", "--endpoint=http://"+p.addr+"/graphql", "components { id }")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "Error: querying http://"+p.addr+"/graphql")
}

func TestQueriesAreCompleted(t *testing.T) {
	for query, want := range map[string]string{
		"alloy { isReady }":           "query { alloy { isReady } }",
		"{ alloy { isReady } }":       "{ alloy { isReady } }",
		" query { alloy { isReady }}": " query { alloy { isReady }}",
		"queryable":                   "query { queryable }",
	} {
		got, err := completeQuery(query)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := completeQuery("query($id: ID) { component(id: $id) { id } }")
	require.EqualError(t, err, "query parameters are not supported")
}
