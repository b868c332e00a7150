package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// member is a member of the file's object, with its value as it was read.
type member struct {
	name  string
	value json.RawMessage
}

// known are the names that this version gives to members, as encoding/json compares them: in any case.
var known = func() (names []string) {
	t := reflect.TypeFor[file]()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}()

// membersOf returns the members of an object in their order, also those that this version does not know.
func membersOf(data []byte) (all []member, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err = dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.name, _ = name.(string)
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// unknown are the members that a later version added.
func unknown(all []member) []member {
	return slices.DeleteFunc(all, func(m member) bool {
		return slices.ContainsFunc(known, func(name string) bool { return strings.EqualFold(name, m.name) })
	})
}

// object is the opposite of membersOf.
func object(all []member) []byte {
	b := []byte{'{'}
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		name, _ := json.Marshal(m.name) // a string
		b = append(append(append(b, name...), ':'), m.value...)
	}
	return append(b, '}')
}

// sum covers every member but the checksum, known or not: in compact form, so that white space is free, and with the escapes that
// encoding/json makes where a file is part of a message.
func sum(all []member) string {
	all = slices.Clone(all)
	for i := range all {
		if all[i].name == "checksum" {
			all[i].value = json.RawMessage(`""`)
		}
	}
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, object(all)); err != nil { // what was decoded is valid
		return ""
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	h := sha256.Sum256(escaped.Bytes())
	return "sha256:" + hex.EncodeToString(h[:])
}
