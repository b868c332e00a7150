package reconcile

import "strings"

// findUUIDs calls found for each value of a member named uuid in line: after "uuid" come quotes, backslashes of a nested encoding, colon or
// equals sign and space, then the value. It allocates nothing; the value shares memory with line.
func findUUIDs(line string, found func(uuid string)) {
	for {
		at := strings.Index(line, "uuid")
		if at < 0 {
			return
		}
		line = line[at+len("uuid"):]
		i := 0
		for i < len(line) && i < 16 && strings.IndexByte("\\\": =\t", line[i]) >= 0 {
			i++
		}
		if i == 0 {
			continue
		}
		j := i
		for j < len(line) && isUUIDByte(line[j]) {
			j++
		}
		if j > i {
			found(line[i:j])
		}
		line = line[j:]
	}
}

func isUUIDByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_'
}
