// Command quickstart is what `make run` and `make demo` start: alloy-okta on one of the configurations in package syntax, with
// everything it needs around it.
//
//	quickstart run    collects from OKTA_URL with OKTA_API_TOKEN, or, when neither is set, from a simulated org that it starts.
//	                  Entries go to the terminal, and to LOKI_URL if that is set.
//	quickstart demo   the same with a Loki that it starts: once the entries can be queried it prints a query and the result. Then it plays an
//	                  attack in the simulated org, and prints the alerts that Loki's ruler raises with the rules in package detections.
//
// The programs are looked for in build/, or where ALLOY_OKTA_BIN, OKTASIM_BIN and LOKI_BIN say.
//
// # Lifetime
//
// It runs until Ctrl-C (SIGINT, SIGTERM or SIGHUP), or for as long as -lifetime or DEMO_SECONDS says, or with --once until the demo has
// printed its result. Then it ends alloy-okta first, so that what is under way still reaches Loki, then Loki and the simulated org,
// and exits with 0. A second Ctrl-C kills them at once. When one of them ends by itself, quickstart prints the last lines of its
// log, ends the others and exits with 1. No child outlives quickstart.
//
// # What stays
//
// With a real org the cursor is kept in data/<host of the org>, and the next run continues where this one stopped. A simulated
// org and the demo's Loki begin anew each time, in a temporary folder that is removed at the end.
package main
