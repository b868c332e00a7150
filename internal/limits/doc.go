// Package limits has the numbers of Loki that this program depends on, each with its source, and says which entries a Loki with default
// limits refuses. It is the one place that does: internal/limits/limitstest has an entry on each side of each limit, on which tests hold
// it against what forwards entries, and against a real Loki.
//
// An entry that Loki refuses is forwarded all the same, because a Loki may have other limits, which nothing here can know.
package limits
