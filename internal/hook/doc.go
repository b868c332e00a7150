// Package hook listens for Okta's event hooks.
//
// # Contract
//
//   - One [Server] is one listener. It binds in [Server.Run], never before; an address that is taken is tried again, up to every 30
//     seconds, and [Server.Err] says so meanwhile. Nothing else waits for it.
//   - It opens the configured address and no other, and speaks HTTP/1.1 only, so that a connection is one request at a time and the
//     limit on connections bounds memory: each holds at most one body of [MaxBody].
//   - A request is compared with every secret of its path, in constant time, before its body is read. Okta has one header with one static
//     value and no signature: several secrets are for the time in which the value is being changed.
//   - The verification request (GET with x-okta-verification-challenge) carries the secret, too, if the hook has one. A wrong one is
//     refused, or the hook would count as verified and its deliveries be refused; none at all is answered, as it gives away nothing. The
//     answer holds the challenge and nothing else.
//   - A refusal for the secret or the path is logged once a minute for each org.
//   - Answers: 204 when the route took the notice, 503 when it did not (Okta repeats a delivery once after a time-out of three seconds or
//     a 5xx, and never after a 4xx) or while the server stops; 400, 401, 404, 405, 413 and 415 as RFC 9110 has them.
//   - A header has 5 seconds, a whole request 10, an idle connection 60. At the limit on connections the oldest one that has shown no
//     secret makes place: slow clients, however many, do not keep Okta out. Only a client that opens connections faster
//     than Okta needs for one request keeps it out.
//   - Configurations change without a restart: routes, secrets and certificates with the next request, an address with a new listener.
//     [Server.Configure] never waits. Requests under way get two seconds.
//   - Secrets are kept as SHA-256 only. Neither secrets nor bodies are in a log, an error or a metric.
//
// Sources: Okta, "Event hooks" (concepts), "Event hook implementation" and "Hooks best practices" (guides), "Unable to verify event hook"
// (support), which shows a verification request with all its headers.
package hook
