module github.com/github/smimesign

go 1.26.7
