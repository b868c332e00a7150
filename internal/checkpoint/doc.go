// Package checkpoint keeps the cursor of one org on disk.
//
// # Contract
//
// A [Journal] is a short list of [Mark]s, oldest first. A mark says: everything up to this cursor was delivered by then. The last mark is
// the position; the older ones exist so that a start can go back by the replay window and deliver again what a receiver may have held only
// in memory.
//
//   - [Journal.Append] is durable when it returns nil: the whole file is written to a
//     temporary name, synced, renamed over the old one, and the folder is synced. A
//     crash at any instant leaves the old file or the new one. Where no folder can be
//     synced, as on Windows, the rename is written through; a crash in its middle may
//     leave only the temporary file there, and [Open] takes that.
//
//   - A file that somebody else has open, which Windows does not replace, is tried again
//     for two seconds. Then the error says so, and the next Append writes both marks.
//
//   - A file that cannot be used never stops the caller. Truncated, corrupt, of another
//     org, for newer programs only: it is renamed to NAME.set-aside-TIME, [Open] says so in
//     its notes, and the journal begins empty. A checksum guards the marks, since a
//     single wrong digit in a cursor would skip events without any error.
//
//   - A file that the operating system does not let us read (permission, I/O error) may
//     be perfectly good. It stays where it is, and [Open] returns an [*UnreadableError]:
//     starting over would leave a gap that nobody notices.
//
//   - The file is bounded: marks closer together than 1/32 of the window are thinned,
//     marks older than the window are dropped but for one, at most 40 remain.
//
//   - The file holds no secret. Its mode is 0600 all the same: a cursor names the org
//     and the filter. On Windows it is read by whom its folder lets read.
//
//   - Where nodes share the work, each save is offered to another node ([Journal.Saved]),
//     which keeps it in <org host>.standby.json. [Open] takes the newest of its own file
//     and such copies: one that is older only means that more is read again.
//
// A journal belongs to one goroutine; it is not safe for concurrent use. Alloy gives each component its own folder, and [Acquire] keeps a
// second process out of it: two would overwrite each other's files.
//
// # The file
//
// CURSOR-FILE is <data path>/<org host>.json, indented JSON:
//
//	{
//	  "version": 1,
//	  "scope": {
//	    "org": "https://acme.okta.com",
//	    "filter": "",
//	    "query": "",
//	    "page_size": 1000
//	  },
//	  "marks": [
//	    {
//	      "cursor": "https://acme.okta.com/api/v1/logs?after=1627500044869_1&limit=1000",
//	      "published": "2021-07-28T19:20:44.869Z",
//	      "handed_over": "2021-07-28T19:20:49.102Z"
//	    }
//	  ],
//	  "newest": "2021-07-28T19:20:44.869Z",
//	  "checksum": "sha256:..."
//	}
//
// A later version may add members. "least_reader" is then the lowest version that a program must know to use the file, and is left out when
// that is "version" itself: raise it with "version" when a program that does not know a member would skip or repeat events, or leave
// something behind in it that is no longer true. Else a member needs neither. What a program does not know it ignores, and keeps it, at the
// top level, when it writes the file. The checksum covers all members: damage to one is found by programs that do not know it, too.
// Programs from before this rule set a file aside that has a member more.
//
// To edit it by hand, stop the process and write "checksum": "none".
package checkpoint
