package oktaapi

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func zipped(t *testing.T, content ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, member := range content {
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, member)
		require.NoError(t, err)
		require.NoError(t, z.Close())
	}
	return b.Bytes()
}

func answerOf(encoding string, body []byte) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{"Content-Encoding": {encoding}}}
}

// TestBodiesInReusedMemoryAreWhole reads bodies of very different sizes, one after the other in what the one before gave back.
func TestBodiesInReusedMemoryAreWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		content := strings.Repeat(string(rune('a'+random.IntN(26))), random.IntN(200_000)+1)
		encoding, sent := "gzip", zipped(t, content)
		if random.IntN(4) == 0 {
			encoding, sent = "identity", []byte(content)
		}
		memory, err := readBody(answerOf(encoding, sent), 1<<20, always)
		require.NoError(t, err)
		page := Page{Body: memory.Bytes(), memory: memory}
		require.Equal(t, content, string(page.Body))
		page.Release()
		require.Nil(t, page.Body)
		page.Release() // does nothing
	}
}

func TestMemoryOfABodyGrowsByLittle(t *testing.T) {
	buf := new(bytes.Buffer)
	for size := 1_000_000; size < 1_100_000; size += 1000 {
		buf.Reset()
		require.NoError(t, readAll(buf, bytes.NewReader(make([]byte, size)), int64(size), 1<<21))
		require.Equal(t, size, buf.Len())
		require.LessOrEqual(t, buf.Cap(), size+size/5)
	}
}

func TestBodiesAreBoundedAndNotCut(t *testing.T) {
	const limit = 1000
	long := strings.Repeat("x", limit+1)
	lying := zipped(t, "short")
	binary.LittleEndian.PutUint32(lying[len(lying)-4:], 1<<31)
	for name, c := range map[string]struct {
		encoding string
		body     []byte
		content  string
		err      error
	}{
		"as long as allowed":               {"gzip", zipped(t, long[1:]), long[1:], nil},
		"too long":                         {"gzip", zipped(t, long), "", ErrBodyTooLarge},
		"too long and not compressed":      {"identity", []byte(long), "", ErrBodyTooLarge},
		"too long before it is decoded":    {"gzip", []byte(long), "", ErrBodyTooLarge},
		"in two members":                   {"x-gzip", zipped(t, "one, ", "two"), "one, two", nil},
		"cut in the middle":                {"gzip", zipped(t, long[1:])[:20], "", io.ErrUnexpectedEOF},
		"with a wrong size in its trailer": {"gzip", lying, "", gzip.ErrChecksum},
		"empty, though said to be gzip":    {"gzip", nil, "", io.EOF},
		"something else, said to be gzip":  {"gzip", []byte("<html>a page that is not compressed</html>"), "", gzip.ErrHeader},
	} {
		t.Run(name, func(t *testing.T) {
			memory, err := readBody(answerOf(c.encoding, c.body), limit, always)
			if c.err != nil {
				require.ErrorContains(t, err, c.err.Error())
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.content, memory.String())
		})
	}
}

func TestATrailerCannotAskForMoreMemoryThanDeflateMakes(t *testing.T) {
	stream := zipped(t, "short")
	require.EqualValues(t, 5, decodedSize(stream))
	binary.LittleEndian.PutUint32(stream[len(stream)-4:], 1<<31)
	require.EqualValues(t, 1032*len(stream), decodedSize(stream))
	require.Zero(t, decodedSize(stream[:10]))
}
