package distribution

import "time"

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
