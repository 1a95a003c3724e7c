package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/strictjson"
)

func known(name string) bool { return name == "a" || name == "b/c" }

func TestWhatIsNotStrictIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want []contracts.Problem
	}{
		"empty":              {"", []contracts.Problem{{Detail: "the body is empty; a JSON value is required"}}},
		"only spaces":        {" \n", []contracts.Problem{{Detail: "the body is empty; a JSON value is required"}}},
		"byte order mark":    {"\xef\xbb\xbf{}", []contracts.Problem{{Detail: "the body begins with a byte order mark; send UTF-8 without one"}}},
		"UTF-16":             {"\xff\xfe{\x00}\x00", []contracts.Problem{{Detail: "the body begins with a byte order mark; send UTF-8 without one"}}},
		"invalid UTF-8":      {"{\"a\":\"\xc3\x28\"}", []contracts.Problem{{Detail: "the body is not valid UTF-8 at byte 6"}}},
		"NaN":                {`{"a":NaN}`, []contracts.Problem{{Detail: "not valid JSON at byte 6"}}},
		"Infinity":           {`[Infinity]`, []contracts.Problem{{Detail: "not valid JSON at byte 2"}}},
		"trailing data":      {`{} {}`, []contracts.Problem{{Detail: "not valid JSON at byte 4"}}},
		"trailing comma":     {`[1,]`, []contracts.Problem{{Detail: "not valid JSON at byte 4"}}},
		"cut off":            {`{"a":`, []contracts.Problem{{Detail: "not valid JSON at byte 5"}}},
		"name twice":         {`{"a":1,"a":2}`, []contracts.Problem{{Pointer: "/a", Detail: "this name stands twice in one object (byte 10)"}}},
		"unknown name twice": {`{"x":1,"x":2}`, []contracts.Problem{{Pointer: "/*", Detail: "this name stands twice in one object (byte 10)"}}},
		"escaped name twice": {`{"a":[{"b/c":1,"b\/c":2}]}`, []contracts.Problem{{Pointer: "/a/0/b~1c", Detail: "this name stands twice in one object (byte 21)"}}},
		"half a surrogate":   {`["\ud800"]`, []contracts.Problem{{Pointer: "/0", Detail: "text with the replacement character U+FFFD or with half a surrogate pair (before byte 9)"}}},
		"huge number":        {`{"a":1e400}`, []contracts.Problem{{Pointer: "/a", Detail: "a number beyond what a double can hold"}}},
		"tiny number":        {`{"a":1e-2000000}`, []contracts.Problem{{Pointer: "/a", Detail: "a number beyond what a double can hold"}}},
		"long number":        {`{"a":` + strings.Repeat("1", 65) + `}`, []contracts.Problem{{Pointer: "/a", Detail: "a number of more than 64 characters"}}},
		"65 levels":          {strings.Repeat("[", 65) + strings.Repeat("]", 65), []contracts.Problem{{Pointer: strings.Repeat("/0", 64), Detail: "more than 64 levels"}}},
		"two faults":         {`{"a":1e400,"x":{"a":1,"a":2}}`, []contracts.Problem{{Pointer: "/a", Detail: "a number beyond what a double can hold"}, {Pointer: "/*/a", Detail: "this name stands twice in one object (byte 25)"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, got := strictjson.Parse([]byte(tt.body), known)
			if diff := cmp.Diff(tt.want, got); diff != "" || value != nil {
				t.Errorf("value %v, problems (-want +got):\n%s", value, diff)
			}
		})
	}
}

func TestStrictJSONIsReadAsItStands(t *testing.T) {
	t.Parallel()
	got, problems := strictjson.Parse([]byte(` {"a":[1.50,"ä","\u00e4",true,null,{}],"x":-0} `), known)
	want := map[string]any{"a": []any{json.Number("1.50"), "ä", "ä", true, nil, map[string]any{}}, "x": json.Number("-0")}
	if diff := cmp.Diff(want, got); diff != "" || problems != nil {
		t.Errorf("problems %v, value (-want +got):\n%s", problems, diff)
	}
	if _, problems := strictjson.Parse([]byte(strings.Repeat("[", 64)+strings.Repeat("]", 64)), nil); problems != nil {
		t.Errorf("64 levels: %v", problems)
	}
}

// Whatever is accepted means the same to encoding/json, and whatever encoding/json writes is accepted.
func TestAcceptedValuesAgreeWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.MapOf(rapid.StringMatching(`[a-zäß"\\/]{0,5}`), rapid.Float64Range(-1e9, 1e9)).Draw(t, "object")
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		got, problems := strictjson.Parse(body, nil)
		if problems != nil {
			t.Fatalf("%s: %v", body, problems)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		if err := json.Unmarshal(again, &out); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func FuzzParseNeverRepeatsWhatWasSent(f *testing.F) {
	for _, s := range []string{`{"a":1,"a":2}`, `[`, "\xff", `{"CANARY":{"CANARY":1e999}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, problems := strictjson.Parse(append([]byte(`{"CANARY-7":`), body...), known)
		if (value == nil) == (problems == nil) {
			t.Fatalf("value %v and problems %v", value, problems)
		}
		for _, p := range problems {
			if strings.Contains(p.Pointer+p.Detail, "CANARY") {
				t.Fatalf("problem %+v repeats what was sent", p)
			}
		}
	})
}
