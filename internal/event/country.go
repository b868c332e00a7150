package event

import (
	"strings"
	"sync"

	"github.com/biter777/countries"
)

// countryCode stands where a path is expected and means the ISO 3166-1 code of
// the country that Okta located the client in.
const countryCode = "country_code"

// maxCountries bounds how many names are remembered.
const maxCountries = 1024

// countryCodes remembers what names were looked up; a lookup costs a
// few microseconds and an org sees few countries. The memory is bounded all the
// same, since events say what they like.
var countryCodes struct {
	sync.RWMutex
	byName map[string]string
}

// isoCountry returns the two-letter code of a country's name in English
// ("United States" gives "US"), or "" when the name is not known.
func isoCountry(name string) string {
	c := &countryCodes
	c.RLock()
	code, known := c.byName[name]
	c.RUnlock()
	if known {
		return code
	}

	if found := countries.ByName(strings.TrimPrefix(name, "The ")); found != countries.Unknown {
		code = found.Alpha2()
	}

	c.Lock()
	if len(c.byName) >= maxCountries || c.byName == nil {
		c.byName = map[string]string{}
	}
	c.byName[strings.Clone(name)] = code
	c.Unlock()
	return code
}
