// Package systemlog reads the System Log of an Okta org and hands each event to a function: what loki.source.okta does, for programs that
// are no Alloy. It is the whole API of this repository's library; the packages below internal/ are its parts, and may change at any time.
//
//	reader, err := systemlog.New(systemlog.Config{
//		URL: "https://acme.okta.com", Token: os.Getenv("OKTA_API_TOKEN"), Dir: "/var/lib/audit",
//		Deliver: func(ctx context.Context, e systemlog.Entry) error { return store(ctx, e.Timestamp, e.Line) },
//	})
//	if err != nil {
//		return err
//	}
//	return reader.Run(ctx)
//
// # What it does
//
//   - Events are delivered at least once, in the order of Okta's log, and none is left out: the cursor is saved behind a page only when
//     all of its events were delivered. A new process begins where the one before had stopped, or [Config].Replay before that.
//   - Okta's rate limit is the whole org's. A reader takes a share of it, waits when that is used, and shares it with readers of the same
//     [Budgets].
//   - What passes by itself, such as an outage or an error of [Config].Deliver, is retried until the context ends. What needs somebody,
//     such as a token that was revoked, is retried too, slowly.
//   - What is wrong is in [Status].Wrong for as long as it lasts, with and without a logger. The log has a line when it begins and, of
//     most, one when it is over, however often it is retried.
//   - An event's bytes are in the line as Okta sent them, unless the [Format] says otherwise, which also has a [Redaction].
//
// # What it does not
//
// To confirm deliveries with Loki, to read one org from several nodes, event hooks, and back-fills are options of the component, which put
// them together from the same parts. docs/guarantees.md says what holds, and which test proves it.
package systemlog
