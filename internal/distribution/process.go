package distribution

import (
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// applyMemoryLimit sets Go's memory limit from the cgroup on Linux; GOMEMLIMIT wins. Elsewhere it does so from the machine's memory, and
// only if AUTOMEMLIMIT_EXPERIMENT=system asks for it (upstream internal/alloycli/automemlimit_linux.go and
// automemlimit_cgroups_unsupported.go).
func applyMemoryLimit(l *slog.Logger) {
	opts := []memlimit.Option{memlimit.WithLogger(l)}
	if runtime.GOOS != "linux" {
		if !slices.Contains(strings.Split(os.Getenv("AUTOMEMLIMIT_EXPERIMENT"), ","), "system") {
			return
		}
		opts = append(opts, memlimit.WithProvider(memlimit.FromSystem))
	}
	if _, err := memlimit.SetGoMemLimitWithOpts(opts...); err != nil {
		l.Error("failed to apply memory limit", "err", err)
	}
}

// setProfiling sets how much of mutex contention and blocking the profiles of /debug/pprof see: by default 0.1 % of contentions and a
// sample per 10 us blocked, or what upstream's environment variables say (internal/alloycli/cmd_run.go, setMutexBlockProfiling).
func setProfiling(l *slog.Logger) {
	mutexFraction := 1000
	if percent, ok := positiveEnv(l, "PPROF_MUTEX_PROFILING_PERCENT"); ok {
		mutexFraction = 100 / percent // the runtime reports 1 of this many
	}
	runtime.SetMutexProfileFraction(mutexFraction)

	blockRate := 10_000
	if rate, ok := positiveEnv(l, "PPROF_BLOCK_PROFILING_RATE"); ok {
		blockRate = rate
	}
	runtime.SetBlockProfileRate(blockRate)
}

// positiveEnv reads a number above 0. What is not one is logged and ignored.
func positiveEnv(l *slog.Logger, name string) (int, bool) {
	value := os.Getenv(name)
	if value == "" {
		return 0, false
	}
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		l.Error("ignoring environment variable: not a number above 0", "name", name, "value", value)
		return 0, false
	}
	return n, true
}
