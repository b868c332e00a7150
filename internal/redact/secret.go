package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// mask is what stands for a value without a token.
const mask = "***"

// tokenPrefix begins what stands for a value in ModeHash.
const tokenPrefix = "hmac:"

// wordLength is how many characters a spelling must have to be looked for
// inside of words. Shorter ones are looked for as words of their own: a user
// called "Li" is no reason to tear "Lisbon" apart.
const wordLength = 4

// maxSecrets bounds how many values a redactor remembers.
const maxSecrets = 8192

// A secret is a value that must not be in the entry.
type secret struct {
	quoted  string     // what stands for it, as a JSON string
	spelled []spelling // what to look for; nil when it is replaced in its place only
	escapes uint32     // the short escapes of JSON that stand for one of its characters
}

// A spelling is a way to write a secret.
type spelling struct {
	text  []byte // folded
	plain bool   // ASCII without a backslash, so JSON can hold it as it is
	short bool   // looked for as a word only
}

// token is what stands for the secret inside a longer text.
func (s *secret) token() string { return s.quoted[1 : len(s.quoted)-1] }

// secrets makes secrets from values, and remembers them: the same people act
// again and again.
type secrets struct {
	key []byte // nil: mask

	mu     sync.RWMutex
	byText map[string]*secret
}

// of returns the secret for a value's text, which it does not keep.
func (k *secrets) of(text string) *secret {
	k.mu.RLock()
	known := k.byText[text]
	k.mu.RUnlock()
	if known != nil {
		return known
	}
	made := k.make(text)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byText == nil || len(k.byText) >= maxSecrets {
		k.byText = make(map[string]*secret, 64)
	}
	k.byText[strings.Clone(text)] = made
	return made
}

func (k *secrets) make(text string) *secret {
	folded := string(foldAll(text))
	s := &secret{quoted: `"` + mask + `"`}
	if k.key != nil {
		h := hmac.New(sha256.New, k.key)
		h.Write([]byte(folded))
		s.quoted = `"` + tokenPrefix + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
	}
	if !searched(folded) {
		return s
	}
	for _, escape := range []byte("\"\\/bfnrt") {
		if r, _ := rawjson.Unescape([]byte{'\\', escape}); strings.ContainsRune(folded, r) {
			s.escapes |= escapeBit(escape)
		}
	}
	query := url.QueryEscape(text)
	for _, written := range []string{text, query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(text)} {
		text := foldAll(written)
		if !slices.ContainsFunc(s.spelled, func(known spelling) bool { return string(known.text) == string(text) }) {
			s.spelled = append(s.spelled, spelling{
				text:  text,
				plain: oddByte(text, 0, len(text)) < 0,
				short: utf8.RuneCount(text) < wordLength,
			})
		}
	}
	return s
}

// isSpelled tells whether the text is one of the spellings that are looked for.
func (s *secret) isSpelled(text string) bool {
	folded := string(foldAll(text))
	return slices.ContainsFunc(s.spelled, func(known spelling) bool { return string(known.text) == folded })
}

// escapeBit gives each short escape a bit: modulo 31 all eight differ.
func escapeBit(escape byte) uint32 { return 1 << (escape % 31) }

// searched tells whether a value, folded, identifies anything, so that it is
// looked for outside of its place: what Okta writes when it knows nothing, the
// words of JSON, text without letters or digits and numbers of up to three
// digits are everywhere and identify nobody.
func searched(folded string) bool {
	switch folded {
	case "", "unknown", "true", "false", "null":
		return false
	}
	letters, others := 0, 0
	for _, r := range folded {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			others++
		}
	}
	return letters > 0 || others >= wordLength
}

// foldAll returns text with the differences between upper and lower case
// removed, so that texts equal under Unicode simple folding give the same
// bytes. For nearly all letters this is the lower case. Bytes that are not
// UTF-8 become U+FFFD.
func foldAll(text string) (same []byte) {
	for _, r := range text {
		same = utf8.AppendRune(same, fold(r))
	}
	return same
}

func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return unicode.ToLower(least)
}
