// Package pipesim is a test double of what is behind the component: a loki.write with its queue and its retries, and a Loki with its
// limits. It lives in bubbles of testing/synctest: its clock is time.Now, its goroutines end with [Write.Stop] or [Write.Kill], and nothing
// ticks while nothing is due, so that simulated hours cost milliseconds. Only tests import it.
//
// # What Write models
//
// Alloy v1.19.2, loki/write and common/loki/client (shards.go, endpoint.go, batch.go, consumer_fanout.go);
// component/loki/source/okta/pipesim_test.go compares it with the real one.
//
//   - A shard is the fingerprint of an entry's labels modulo min_shards. It keeps the order of its entries.
//   - A shard's worker sends one batch at a time. A batch is ready when the next entry would make it larger
//     than batch_size (lines and metadata alone count), or at the first tick (a tenth of batch_wait) at which
//     it is batch_wait old.
//   - capacity/batch_size ready batches wait in a queue. A worker that takes them at a tick takes all of them
//     at once, which empties the queue for as many more.
//   - A batch is tried until it is answered with 2xx; after 4xx other than 429 it is dropped at once, else
//     after max_backoff_retries (0: never), with the waits of dskit's backoff. A try ends after
//     remote_timeout; what Loki makes of it then is Loki's affair.
//   - With a full queue Send blocks. Three entries more are on the way between the goroutines of the real
//     component; Send returned nil for them.
//   - Stop sends what there is for drain_timeout at most, Kill nothing.
//
// # What Loki models
//
// Loki 3.7, pkg/distributor and pkg/ingester (stream.go, flush.go), at its defaults.
//
//   - An entry further than max_chunk_age/2 behind the newest of its stream is refused with 400, as are those
//     older than reject_old_samples_max_age or further in the future than creation_grace_period. The others
//     of the push are stored.
//   - per_stream_rate_limit: entries beyond it are refused with 429, the others of the push are stored.
//   - A chunk is flushed chunk_idle_period after its last entry, or when it spans max_chunk_age, at the next
//     sweep (flush_check_period). A stream that gets nothing between two sweeps after that is forgotten: it
//     starts anew, at any time.
//   - An entry older than query_ingesters_within is not shown before its chunk is flushed. One in the future is
//     shown, but not from a flushed chunk, before its time.
//
// # What they do not model
//
// Tenants, the WAL, several endpoints, max_streams, reloads of loki.write; chunks that are full; replication; the index' delays;
// deduplication. A [Loki] counts as a copy what came with one Send, however often loki.write pushed it: only the number of Sends is the
// component's doing. What loki.write repeats, after a push that was stored in part or answered too late, Loki drops while the first one is
// in the stream's open block; [Stats] has the number.
package pipesim
