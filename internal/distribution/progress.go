package distribution

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	// shownEvery is the time between two looks at the progress, and reportedEvery between two lines of it in a file.
	shownEvery    = 500 * time.Millisecond
	reportedEvery = 10 * time.Second
)

// progress shows how far a command is, from 0 to 1: a bar on a terminal, elsewhere a line now and then. end is to be called at last.
func progress(out *os.File) (show func(part float64, text string), end func()) {
	if stat, err := out.Stat(); err != nil || stat.Mode()&os.ModeCharDevice == 0 {
		var last time.Time
		return func(part float64, text string) {
			if now := time.Now(); now.Sub(last) >= reportedEvery {
				last = now
				fmt.Fprintf(out, "%5.1f %%  %s\n", 100*part, text)
			}
		}, func() {}
	}
	const steps = 1000
	shown := false
	bar := progressbar.NewOptions(steps, progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(30), progressbar.OptionFullWidth(),
		progressbar.OptionSetPredictTime(true))
	return func(part float64, text string) {
			shown = true
			bar.Describe(text)
			_ = bar.Set(int(steps * part)) // what cannot be shown is no reason to stop
		}, func() {
			if shown {
				shown = false
				fmt.Fprintln(out)
			}
		}
}

// quietFor is how long a command is silent: nobody asks before that how far it is.
const quietFor = 2 * time.Second

// tellingEvery calls tell once quietFor has passed, and then every so often, until the function that it returns has returned.
func tellingEvery(every time.Duration, tell func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for wait := quietFor; ; wait = every {
			select {
			case <-time.After(wait):
				tell()
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
