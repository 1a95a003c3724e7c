package process_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	yaml "go.yaml.in/yaml/v3"

	"github.com/efa-broker/efa-broker/contracts/process"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(process.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("process.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("process.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSchemaAllowsWhatTheLoaderReads(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for _, file := range []string{"gewa1.yaml", "gewa3.yaml"} {
		var v any
		if err := yaml.Unmarshal(read(t, file), &v); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestTheSchemaRefusesEveryWrongShape holds the schema against the files that the loader refuses: a fault of shape must be
// seen in the editor too, and no more than that.
func TestTheSchemaRefusesEveryWrongShape(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	shapes := []string{
		"unknown field", "is missing", "want exactly one of", "want a list", "want a mapping", "true or false",
		"reads engine 1 only", "lower-case letters", "needs with", "takes arguments", "want closed", "never listed",
		"stands twice", "quote a number", "service key", `is unknown, want`,
	}
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		src := read(t, "refused/"+filepath.Base(file))
		var v any
		if yaml.Unmarshal(src, &v) != nil || v == nil {
			continue // no YAML, or none that an editor's schema ever sees
		}
		wrong := false
		for _, w := range wants(src) {
			for _, shape := range shapes {
				wrong = wrong || strings.Contains(w, shape)
			}
		}
		if strings.Contains(file, "id_that_stands_twice") || strings.Contains(file, "an_anchor") {
			wrong = false // a schema cannot compare items, and sees an anchor resolved
		}
		if err := s.Validate(v); (err != nil) != wrong {
			t.Errorf("%s: schema says %v, the loader finds a fault of shape: %v", filepath.Base(file), err, wrong)
		}
		seen++
	}
	if seen < 60 {
		t.Errorf("only %d files were held against the schema", seen)
	}
}
