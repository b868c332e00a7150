// Command oktasim is a simulated Okta org as a program: a System Log with a past and a present, for trying out a collector without an org
// and for driving one from the outside in tests. What it models is said in internal/oktasim.
//
//	oktasim --rate 5/s --backlog 100000
//
// serves an org whose log holds 100,000 events of the last 24 hours and gains five a second. It prints its URL, its token, and what to put
// into a config. SIGINT and SIGTERM end it. A bad flag ends it with status 2 and a message that names the value and what is allowed; a port
// that is taken, with status 1.
//
// Some flags make the org behave as real ones now and then do: --page-cap 100 puts at most 100 events on a page whatever limit asks for,
// --visible-every 30s shows new events in bulk, --late-share lets events reach the log late, and --clock puts the org's clock off. --quiet
// leaves out what should alarm anybody, and --scenario push-bombing,app-sprawl puts attacks among such events. --help lists all flags and
// scenarios.
//
// With --hook-uri the org has an event hook for 300 of the 314 eligible event types, as many as one takes: it verifies
// the receiver, tries that again until it succeeds, and sends from then on.
//
// # Control
//
// Paths under /_oktasim/ are not Okta's. They need no credentials, so --listen should stay on loopback unless everybody may use them. A
// parameter that is missing or wrong gets 400 and one line of text.
//
//	GET  /_oktasim/events[?from=N]           every event persisted so far as NDJSON, in persistence order, each line the
//	                                         bytes that the API serves; from=N leaves out the first N
//	GET  /_oktasim/stats                     {"events":N,"requests":N,"responses":{"200":N,...},
//	                                         "windows":[{"start":...,"used":N,"refused":N},...]}
//	GET  /_oktasim/requests                  the requests to the org so far, as a JSON array; no secrets in it
//	GET  /_oktasim/hooks                     the attempts to send an event hook so far, as a JSON array; no secrets in it
//	POST /_oktasim/generate?n=N[&span=1h]    append N events, spread over span before now (default: all of them now)
//	POST /_oktasim/scenario?name=S[&ago=10m] let an attack take place that began so long ago: what lies ahead appears in its time, and
//	                                         with ago=0s that is all of it; without ago it has just ended. An unknown name gets the list
//	POST /_oktasim/append                    append the body, one JSON event per line, as it is
//	POST /_oktasim/rate?per_second=X         change the live rate; 0 stops it
//	POST /_oktasim/token?value=T             accept only this SSWS token from now on
//	POST /_oktasim/refuse?status=S           answer all System Log requests with 401, 403 or 404; 0 ends that
//	POST /_oktasim/fault?name=F[&count=N]    answer the next N (default 1) System Log requests with this fault, count=0 clears the queue;
//	                                         an unknown name gets the list of those there are
//	POST /_oktasim/revoke                    revoke every access token issued so far
//	POST /_oktasim/nonce                     rotate the DPoP nonce
package main
