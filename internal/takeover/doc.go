// Package takeover decides which of several nodes reads an org, and takes the journal from one to the next.
//
// A ring that all nodes know says who an org belongs to; but nodes notice a change of it at different times, and one that hangs does
// not notice at all. So nodes ask each other, over HTTP, before one begins:
//
//   - A node that gains an org asks all others. While one of them still reads it, or waits for what it delivered to arrive, it waits.
//     Then it goes on from the newest journal there is: its own file, the answers, or the standby copy that the owner sent to the node that
//     the ring names second.
//   - One that loses an org stops at once, goes on confirming what is under way, bounded or until the org is its own again, and says
//     "released".
//   - A node that is alone asks nobody, until clustering is switched on.
//   - A range that is read beside the log is taken over by itself ([Exchange.Part]): what is under way of it may take hours to be seen.
//   - One that is stopped says so to the second node, whose start then reckons with copies that are still under way.
//   - One that was suspended asks the others, not its own ring, whether the org is still its own.
//
// Nobody holds a lock: a network that is split, or a node that hangs without being noticed, lets two nodes read one org for a while.
// What both deliver in that time is doubled; nothing is lost, for a journal is never ahead of what was delivered.
//
// # The wire
//
// GET orgs/HOST, or orgs/HOST+PART, below the component's path on a peer, returns an [Answer]: the state of the org on that node and its
// age, and the newest journal it has. PUT takes one from the node that reads the org, or its last words. POST orgs/HOST/wake forwards the
// uuids that an event hook announced to a node that does not read the org. All are bounded to 1 MiB, hold no secret and are not logged.
//
// # What is believed
//
// Nodes that read an org have its credential, and nobody else has. Each message is signed with a key made of it:
//
//	HMAC-SHA256(HKDF-SHA256(credential, "alloy-okta clustering 1 ORG"), PURPOSE \n HOST+PART \n NONCE \n BODY)
//
// The nonce of an answer is the one that came with the question. That of a message is the receiver's own, which every answer of it names
// and which counts for one message; 409 says which it is. So nothing that was seen on the wire can be sent again, to whom and when ever,
// and clocks do not matter. The body names the sender.
//
// A credential that was replaced counts for another hour, and messages are signed with both: nodes are reloaded one after the other. Of
// what is not signed, or with another credential, nothing is used; a node that says so that it reads the org is waited for all the same,
// bounded, since it may be one that has another credential. A node that then begins does so as if another node had read on, from what it
// has itself, when nothing can be under way any more. Versions from before signatures are such nodes.
package takeover
