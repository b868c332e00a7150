package distribution

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/service/graphql/client"
	"github.com/grafana/alloy/internal/service/graphql/utils"
)

// gqlCommand follows upstream's internal/alloycli/cmd_gql.go.
func gqlCommand() *cobra.Command {
	var endpoint string
	cmd := &cobra.Command{
		Use:   "gql [flags] query",
		Short: "Run a GraphQL query against a running process (experimental)",
		Long: `gql sends query to a running process and prints its answer. The process must run
with --server.http.enable-graphql and --stability.level=experimental. The word
query and its braces may be left out:

  ` + Name + ` gql 'components { id health { message } }'`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		Aliases:      []string{"graphql"},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runQuery(cmd.OutOrStdout(), endpoint, args[0])
		},
	}
	cmd.Flags().StringVar(&endpoint, "endpoint", "http://127.0.0.1:12345/graphql", "Address of the GraphQL endpoint")
	return cmd
}

func runQuery(out io.Writer, endpoint, query string) error {
	query, err := completeQuery(query)
	if err != nil {
		return err
	}
	response, err := client.NewGraphQLClient(endpoint).Execute(query)
	if err != nil {
		return fmt.Errorf("querying %s: %w", endpoint, err)
	}
	if err := utils.PrintGraphQLResponse(out, response); err != nil {
		return fmt.Errorf("printing the response: %w", err)
	}
	if len(response.Errors) > 0 {
		return errors.New("the response contains errors")
	}
	return nil
}

// operation matches a query that needs no braces around it.
var operation = regexp.MustCompile(`^((query|mutation|subscription)(\s|\{)|\{)`)

// completeQuery puts "query { }" around a query that has neither.
func completeQuery(query string) (string, error) {
	trimmed := strings.TrimSpace(query)
	parenthesis, brace := strings.Index(trimmed, "("), strings.Index(trimmed, "{")
	switch {
	case parenthesis >= 0 && (brace < 0 || parenthesis < brace):
		return "", errors.New("query parameters are not supported")
	case operation.MatchString(trimmed):
		return query, nil
	}
	return "query { " + query + " }", nil
}
