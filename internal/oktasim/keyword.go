package oktasim

import (
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// keyword compiles one word of the q parameter: case-insensitive, and a whole
// token of some value. A value's tokens are the value, its words, and the parts
// of a word that hyphens and other punctuation separate.
func keyword(word string) predicate {
	word = strings.ToLower(word)
	return func(raw []byte) bool { return hasToken(gjson.ParseBytes(raw), word) }
}

func hasToken(v gjson.Result, word string) bool {
	if v.IsObject() || v.IsArray() {
		found := false
		v.ForEach(func(_, item gjson.Result) bool {
			found = hasToken(item, word)
			return !found
		})
		return found
	}
	if v.Type == gjson.Null {
		return false
	}
	value := strings.ToLower(v.String())
	if !strings.Contains(value, word) {
		return false
	}
	if value == word {
		return true
	}
	for _, w := range strings.Fields(value) {
		if strings.TrimFunc(w, unicode.IsPunct) == word || w == word {
			return true
		}
		for part := range strings.FieldsFuncSeq(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if part == word {
				return true
			}
		}
	}
	return false
}
