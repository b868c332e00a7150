package event

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

func BenchmarkAB(b *testing.B) {
	runtime.LockOSThread()
	all := work(b)
	for _, size := range []string{"small", "large"} {
		body := pages(b)[size]
		best := map[string]time.Duration{}
		names := []string{"read=scan", "entries", "redact=identity", "redact=personal", "redact=drop"}
		for i := 0; i < map[string]int{"small": 50, "large": 6}[size]; i++ {
			for _, name := range names {
				runtime.GC()
				start := threadTime(b)
				all[name](body)
				took := threadTime(b) - start
				if known, ok := best[name]; !ok || took < known {
					best[name] = took
				}
			}
		}
		fmt.Printf("%s: ", size)
		for _, name := range names {
			fmt.Printf("%s %.2f  ", name, float64(best[name].Nanoseconds())/1e6)
		}
		fmt.Printf("| id %.2f pers %.2f drop %.2f\n", float64(best["redact=identity"])/float64(best["entries"]), float64(best["redact=personal"])/float64(best["entries"]), float64(best["redact=drop"])/float64(best["entries"]))
	}
}
