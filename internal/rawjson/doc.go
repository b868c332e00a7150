// Package rawjson reads JSON in place: it checks and skips values, goes over members and elements and finds values by path, without
// building anything and without touching a byte.
//
// Nothing but [SkipValue] and the functions beside it checks its input; the others want bytes that these have accepted.
package rawjson
