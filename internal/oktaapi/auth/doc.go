// Package auth prepares requests to an Okta org: it sets the credential headers and renews what expires.
//
// Two authorizers exist, and both are safe for concurrent use:
//
//   - [SSWS] sends an API token as it is. It never touches the network.
//   - [PrivateKeyJWT] is an OAuth 2.0 service app. It signs a short-lived assertion with the app's
//     private key, exchanges it at the org's token endpoint for an access token, and keeps that token
//     until shortly before it expires. Where the app demands it, every request is bound to a key that
//     lives in memory only (DPoP, RFC 9449).
//
// Both have the same three methods. Authorize sets the headers of one request, and may ask the token endpoint first. Challenge is called
// with every 400, 401 and 403 that comes back, and says whether one more attempt of the same request may succeed: it drops a token that was
// refused, and notes a new nonce or the server's time. Method names the scheme for people. What an operator should change after a refusal,
// [Remedy] says.
//
// What a caller can rely on:
//
//   - One refresh at a time. Others that need a token meanwhile wait for that one, each under its own context. When the owner of a refresh
//     gives up, the next in line takes over.
//   - A refused access token is dropped once. If the token that replaces it is refused on its first use,
//     then tokens are not the cause, and Challenge says so instead of minting another.
//   - The local clock may be wrong. Assertions and proofs are back-dated a little, and when Okta blames
//     the clock, its own Date header is believed from then on.
//   - A private key in a file is read again for every new access token, so it can be rotated, or appear
//     late. A file that turns unreadable does not take a working key away.
//   - Errors of the token endpoint are [*Error]. Its Refused method separates "somebody has to change a
//     setting" from "try again later". Everything else (network, timeouts) is a plain wrapped error.
//   - No secret is in an error or in the printed form of a type: not the API token, the private key, an
//     assertion, a proof, a nonce or an access token, even if the server echoes it.
//
// Nothing here follows a redirect, and nothing secret goes into a URL.
//
// The package imports neither Alloy nor the API client.
package auth
