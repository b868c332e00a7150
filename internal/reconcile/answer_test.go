package reconcile

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// read has parse tell what it finds: a line of text for each entry.
func read(body string) (found []string, a answer, err error) {
	a, err = parse([]byte(body), func(labels gjson.Result) each {
		return func(at time.Time, line, more string) {
			found = append(found, fmt.Sprintf("%s %d %s%s", labels.Get("job"), at.UnixNano(), line, more))
		}
	})
	return found, a, err
}

func TestAnswersAreReadHoweverTheyAreWritten(t *testing.T) {
	const before, after = `{"status":"success","data":{"resultType":"streams","result":[`, `],"stats":{"summary":{}}}}`
	x := func(values string) string { return `{"stream":{"job":"x"},"values":[` + values + `]}` }
	y := `{"stream":{"job":"y"},"values":[["3","c"]]}`
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"none":        {before + after, nil},
		"no result":   {`{"data":{"resultType":"streams"}}`, nil},
		"null":        {`{"data":{"resultType":"streams","result":null}}`, nil},
		"one":         {before + x(`["1","a"]`) + after, []string{"x 1 a"}},
		"two streams": {before + x(`["2","b"],["1","a"]`) + "," + y + after, []string{"x 2 b", "x 1 a", "y 3 c"}},
		"no entries":  {before + x("") + "," + y + after, []string{"y 3 c"}},
		"no labels":   {before + `{"stream":{},"values":[["1","a"]]}` + after, []string{" 1 a"}},
		"metadata": {before + x(`["1","a",{"structuredMetadata":{"k":"]}"}}],["2","b",{},[]]`) + after,
			[]string{`x 1 a{"structuredMetadata":{"k":"]}"}}`, "x 2 b{}"}},
		"escapes": {before + `{"stream":{"job":"\u0078\"]"},"values":[["1","{\"uuid\":\"\\u00e9\ud83d\ude00\/\n\"}"]]}` + after,
			[]string{"x\"] 1 {\"uuid\":\"\\u00e9😀/\n\"}"}},
		"another order": {`{"data":{"stats":{"a":[{}]},"result":[{"more":[1,{"values":[]}],"values":[["1","a"]],"stream":{"job":"x"},` +
			`"last":"]"}],"resultType":"streams"},"status":"success"}`, []string{"x 1 a"}},
		"spaces": {" {\n\"data\" : { \"resultType\" : \"streams\" , \"result\" : [ { \"stream\" : { \"job\" : \"x\" } ,\t\"values\" : " +
			"[ [ \"1\" , \"a\" ] , [ \"2\" , \"b\" , { } ] ] , \"n\" : 1 } , { \"stream\" : { } , \"values\" : [ ] } ] } }\n ",
			[]string{"x 1 a", "x 2 b{ }"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, a, err := read(tc.body)
			require.NoError(t, err)
			require.Equal(t, tc.want, found)
			require.Equal(t, len(tc.want), a.entries)
		})
	}
}

func TestAnswersThatAreNoneAreRefused(t *testing.T) {
	const before, after = `{"data":{"resultType":"streams","result":[`, `]}}`
	for body, want := range map[string]string{
		"": "is not JSON",
		`{"data":{"resultType":"streams","result":[{"stream":{},"values":[["1","a"`: "is not JSON",
		before + after + "<html>":               "is not JSON",
		"[]":                                    `the type ""`,
		`"x"`:                                   `the type ""`,
		`{}`:                                    `the type ""`,
		`{"data":[]}`:                           `the type ""`,
		`{"data":{"resultType":1,"result":[]}}`: `the type ""`,
		`{"data":{"resultType":"matrix","result":[]}}`:        `the type "matrix"`,
		`{"data":{"resultType":"streams","result":{}}}`:       "no list of streams",
		`{"data":{"resultType":"streams","result":""}}`:       "no list of streams",
		before + `1` + after:                                  "a stream without",
		before + `{"values":[]}` + after:                      "a stream without",
		before + `{"stream":{},"values":{}}` + after:          "a stream without",
		before + `{"stream":[],"values":[]}` + after:          "a stream without",
		before + `{"stream":{},"values":[1]}` + after:         "an entry without",
		before + `{"stream":{},"values":[[]]}` + after:        "an entry without",
		before + `{"stream":{},"values":[["1"]]}` + after:     "an entry without",
		before + `{"stream":{},"values":[[1,"a"]]}` + after:   "an entry without",
		before + `{"stream":{},"values":[["1",{}]]}` + after:  "an entry without",
		before + `{"stream":{},"values":[["x","a"]]}` + after: "an entry's time",
		before + `{"stream":{},"values":[["","a"]]}` + after:  "an entry's time",
	} {
		_, _, err := read(body)
		require.ErrorContains(t, err, want, body)
	}
}

// entriesIn is how many entries gjson finds in an answer, and whether that is one.
func entriesIn(body string) (n int, ok bool) {
	data := gjson.Get(body, "data")
	if !json.Valid([]byte(body)) || !data.IsObject() || data.Get("resultType").Value() != "streams" {
		return 0, false
	}
	result := data.Get("result")
	if !result.IsArray() {
		return 0, result.Type == gjson.Null
	}
	for _, stream := range result.Array() {
		values := stream.Get("values")
		if !stream.IsObject() || !stream.Get("stream").IsObject() || !values.IsArray() {
			return 0, false
		}
		for _, entry := range values.Array() {
			pair := entry.Array()
			if !entry.IsArray() || len(pair) < 2 || pair[0].Type != gjson.String || pair[1].Type != gjson.String {
				return 0, false
			}
			if _, err := strconv.ParseInt(pair[0].Str, 10, 64); err != nil {
				return 0, false
			}
			n++
		}
	}
	return n, true
}

// FuzzParse has any text where Loki's answer is to be: it is refused if it is none, or has the entries that gjson finds.
func FuzzParse(f *testing.F) {
	for _, result := range []string{
		`[]`, `null`, `{}`, `[1]`, `[{}]`, `[{"stream":{},"values":[]}]`, `[{"values":[["1","a"]],"stream":{"job":"x"}},{"stream":{}}]`,
		`[{"stream":{},"values":[[]]}]`, `[{"stream":{},"values":[["1",2]]}]`, `[{"stream":{},"values":[["1","a"],["9223372036854775808",""]]}]`,
		` [ { "\u0073tream" : { } , "values" : [ [ "1" , "\ud83d\"" , { "a" : [ ] } ] , [ "2" , "" ] ] , "more" : [ 1 ] } ] `,
	} {
		f.Add(`{"data":{"resultType":"streams","result":` + result + `}}`)
		f.Add(`{"data":{"result":` + result + `,"resultType":"streams"},"status":"success"} `)
	}
	f.Fuzz(func(t *testing.T, body string) {
		found, a, err := read(body)
		require.Len(t, found, a.entries)
		want, ok := entriesIn(body)
		require.Equal(t, ok, err == nil, "%v", err)
		if ok {
			require.Equal(t, want, a.entries)
		}
	})
}

// It costs a few times what json.Valid takes for the same bytes: "times/valid".
func BenchmarkParse(b *testing.B) {
	body := []byte(`{"status":"success","data":{"resultType":"streams","result":[{"stream":{"job":"x"},"values":[`)
	for i := range 5000 {
		if i > 0 {
			body = append(body, ',')
		}
		someone := strings.Repeat(`"alternateId":"somebody@example.com","displayName":"Some Body",`, 30)
		event := `{"uuid":"` + strconv.Itoa(i) + `","actor":{` + someone + `"id":1}}`
		line, _ := json.Marshal(event)
		body = fmt.Appendf(body, `["%d",%s]`, 1700000000000000000+i, line)
	}
	body = append(body, `]}]}}`...)
	var parsing, checking time.Duration
	for b.Loop() {
		begin := time.Now()
		n := 0
		if _, err := parse(body, func(gjson.Result) each {
			return func(_ time.Time, line, _ string) { findUUIDs(line, func(string) { n++ }) }
		}); err != nil || n != 5000 {
			b.Fatal(n, err)
		}
		parsing += time.Since(begin)
		begin = time.Now()
		if !json.Valid(body) {
			b.Fatal("the answer is not JSON")
		}
		checking += time.Since(begin)
	}
	b.ReportMetric(parsing.Seconds()/checking.Seconds(), "times/valid")
	b.SetBytes(int64(len(body)))
}
