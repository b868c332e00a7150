package oktaapi

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	klauspost "github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

// gunzipped is what the fast decoder makes of a stream.
func gunzipped(stream []byte) ([]byte, bool) {
	var body, whole bytes.Buffer
	whole.Write(stream)
	ok := inflate(&body, &whole, int(decodedSize(stream)))
	if !bytes.Equal(whole.Bytes(), stream) {
		panic("the stream is changed")
	}
	return body.Bytes(), ok
}

// contents are texts that compress in different ways: to stored blocks, short and long codes, matches near and far that overlap themselves.
func contents() map[string]string {
	random := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var events, skewed strings.Builder
	for range 200 {
		const event = `{"actor":{"id":"00u%d","alternateId":"mara.%d@acme.example"},"uuid":"%x"},`
		fmt.Fprintf(&events, event, random.Uint32(), random.IntN(50), random.Uint64())
	}
	for skewed.Len() < 60_000 { // each symbol half as often as the one before: codes of 15 bits
		symbol := 0
		for random.IntN(2) == 0 {
			symbol++
		}
		skewed.WriteByte(byte(7 * symbol))
	}
	all := map[string]string{
		"nothing": "", "a byte": "x", "events": events.String(), "noise": string(noise), "skewed": skewed.String(),
		"far matches": string(noise[:32<<10]) + string(noise[:32<<10]), "a lot of one byte": strings.Repeat("a", 100_000),
	}
	for distance := 2; distance < 20; distance++ {
		all[fmt.Sprintf("matches %d back", distance)] = strings.Repeat(string(noise[:distance]), 1000/distance)
	}
	return all
}

func TestStreamsOfEveryLevelAreInflated(t *testing.T) {
	for name, content := range contents() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, 6, flate.BestCompression} {
			var standard, other bytes.Buffer
			z, err := gzip.NewWriterLevel(&standard, level)
			require.NoError(t, err)
			k, err := klauspost.NewWriterLevel(&other, level)
			require.NoError(t, err)
			for _, w := range []io.WriteCloser{z, k} {
				_, err = io.WriteString(w, content)
				require.NoError(t, err)
				require.NoError(t, w.Close())
			}
			for _, stream := range [][]byte{standard.Bytes(), other.Bytes()} {
				got, ok := gunzipped(stream)
				if len(content) <= 1032*len(stream) { // see decodedSize
					require.True(t, ok, "%s, level %d", name, level)
					require.Equal(t, content, string(got), "%s, level %d", name, level)
				}
			}
		}
	}
}

// What is not as it should be is left to the library, wherever it is broken.
func TestABrokenStreamIsNotInflated(t *testing.T) {
	content := contents()["events"][:600]
	stream := zipped(t, content)
	for cut := range stream {
		if got, ok := gunzipped(stream[:cut]); ok {
			require.Equal(t, content, string(got), "cut at %d", cut)
			t.Fatalf("cut at %d", cut)
		}
	}
	same := 0
	for bit := range 8 * len(stream) {
		changed := bytes.Clone(stream)
		changed[bit/8] ^= 1 << (bit % 8)
		if got, ok := gunzipped(changed); ok {
			require.Equal(t, content, string(got), "bit %d", bit)
			same++
		}
	}
	// Six bytes of the header say nothing of the content: time, level, system. Nor do bits that fill a byte.
	require.InDelta(t, 6*8, same, 7)
	_, ok := gunzipped(append(bytes.Clone(stream), "more"...))
	require.False(t, ok)
	_, ok = gunzipped(zipped(t, content, content))
	require.False(t, ok, "two members, of which each says its own size")
}

// A trailer may tell a size that ends anywhere in the content, which then must not be written behind the memory for it.
func TestAStreamThatSaysLessThanItHasIsNotInflated(t *testing.T) {
	noise := contents()["noise"]
	var content strings.Builder
	for i := range 20 {
		content.WriteString(noise[300*i : 300*i+5]) // literals before a long match that is near
		content.WriteString(strings.Repeat(noise[:17+i], 300/(17+i)))
	}
	stream := zipped(t, content.String())
	for size := range content.Len() {
		binary.LittleEndian.PutUint32(stream[len(stream)-4:], uint32(size))
		_, ok := gunzipped(stream)
		require.False(t, ok, size)
	}
}

// FuzzInflate feeds it deflate streams: what the standard library makes of them it must make, too, or decline. The trailer's size may be
// too small.
func FuzzInflate(f *testing.F) {
	for _, content := range contents() {
		for _, level := range []int{flate.HuffmanOnly, flate.BestSpeed, flate.BestCompression} {
			var b bytes.Buffer
			z, _ := flate.NewWriter(&b, level)
			_, _ = io.WriteString(z, content[:min(len(content), 2000)])
			_ = z.Close()
			f.Add(b.Bytes(), uint16(0))
			f.Add(b.Bytes(), uint16(1000))
		}
	}
	f.Fuzz(func(t *testing.T, deflated []byte, less uint16) {
		content, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), 1<<20))
		stream := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, deflated...)
		stream = binary.LittleEndian.AppendUint32(stream, crc32.ChecksumIEEE(content))
		stream = binary.LittleEndian.AppendUint32(stream, uint32(max(0, len(content)-int(less))))
		if got, ok := gunzipped(stream); ok {
			require.NoError(t, err)
			require.Equal(t, content, got)
		}
	})
}
