package event

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCountriesHaveTheirISOCodes(t *testing.T) {
	for name, want := range map[string]string{
		"United States": "US", "The Netherlands": "NL", "Netherlands": "NL", "United Kingdom": "GB", "Germany": "DE", "India": "IN",
		"Republic of Korea": "KR", "South Korea": "KR", "Korea, Republic of": "KR", "Russia": "RU", "Russian Federation": "RU",
		"Viet Nam": "VN", "Vietnam": "VN", "Türkiye": "TR", "Turkey": "TR", "Czechia": "CZ", "Czech Republic": "CZ",
		"Côte d'Ivoire": "CI", "Ivory Coast": "CI", "Hong Kong": "HK", "Taiwan": "TW", "North Macedonia": "MK", "Macedonia": "MK",
		"Iran, Islamic Republic of": "IR", "Iran": "IR", "Moldova": "MD", "Tanzania": "TZ", "Bolivia": "BO", "Venezuela": "VE",
		"Palestine": "PS", "The Bahamas": "BS", "Bahamas": "BS", "Cape Verde": "CV", "Cabo Verde": "CV", "Eswatini": "SZ", "Swaziland": "SZ",
		"Myanmar": "MM", "Laos": "LA", "Syria": "SY", "Brunei": "BN", "Vatican City": "VA", "Réunion": "RE", "Curaçao": "CW",
		"Saint Lucia": "LC", "St. Lucia": "LC", "Bosnia and Herzegovina": "BA", "Trinidad and Tobago": "TT",
		"Democratic Republic of the Congo": "CD",
		"Kosovo":                           "XK", "US": "US", "": "", "Atlantis": "", "null": "",
	} {
		require.Equal(t, want, isoCountry(name), name)
	}
}

func TestCountryNamesAreNotRememberedWithoutBound(t *testing.T) {
	for i := range 5000 {
		isoCountry(fmt.Sprint("nowhere ", i))
	}
	require.LessOrEqual(t, len(countryCodes.byName), maxCountries)
	require.Equal(t, "NL", isoCountry("Netherlands"))
}
