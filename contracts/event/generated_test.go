package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/internal/generate"
	"github.com/efa-broker/efa-broker/contracts/law"
)

var update = flag.Bool("update", false, "write the generated files anew")

func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	for _, typ := range event.Types() {
		raw, err := generate.Schema(typ)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Join("schemas", typ.Name+".json")] = raw
	}
	page, err := generate.Page()
	if err != nil {
		t.Fatal(err)
	}
	files["CATALOGUE.md"] = page
	for name, want := range files {
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is not current, run go generate ./contracts/event: %s", name, d)
		}
	}
	found, err := filepath.Glob("schemas/*.json")
	if err != nil || len(found) != len(event.Types()) {
		t.Errorf("%d schemas for %d types: %v", len(found), len(event.Types()), err)
	}
}

func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	raw, ok := event.Schema(name)
	if !ok {
		t.Fatalf("%s has no schema", name)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exampleOf(t *testing.T, name string) map[string]any {
	t.Helper()
	raw, err := json.Marshal(generate.Examples()[name])
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > event.MaxBytes {
		t.Fatalf("%s: %d bytes", name, len(raw))
	}
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryExampleValidates(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		if err := compiled(t, typ.Name).Validate(exampleOf(t, typ.Name)); err != nil {
			t.Errorf("%s: %v", typ.Name, err)
		}
	}
}

// For every text of every example: a name or a sentence in its place is refused.
func TestNoMemberOfAnEventTakesFreeText(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		schema, example := compiled(t, typ.Name), exampleOf(t, typ.Name)
		tried := 0
		everyText(example, func(path string, set func(string)) {
			for _, text := range []string{"Erika Mustermann", "Muster", "Ludwigstraße 1, 80539 München", "HRA 90417", "+49 89 5550", "a@b.de", ""} {
				set(text)
				if schema.Validate(example) == nil {
					t.Errorf("%s: %s takes %q", typ.Name, path, text)
				}
				tried++
			}
		})
		if tried == 0 {
			t.Errorf("%s: the example has no text", typ.Name)
		}
		example["note"] = true
		if schema.Validate(example) == nil {
			t.Errorf("%s: takes an unknown member", typ.Name)
		}
	}
}

// everyText calls try for each text in v; afterwards the text is as before.
func everyText(v any, try func(path string, set func(string))) {
	var walk func(v any, path string, put func(any))
	walk = func(v any, path string, put func(any)) {
		switch x := v.(type) {
		case string:
			try(path, func(s string) { put(s) })
			put(x)
		case map[string]any:
			for name, child := range x {
				walk(child, path+"/"+name, func(n any) { x[name] = n })
			}
		case []any:
			for i, child := range x {
				walk(child, path, func(n any) { x[i] = n })
			}
		}
	}
	walk(v, "", func(any) {})
}

func TestTypesFollowTheNamingRule(t *testing.T) {
	t.Parallel()
	rule := regexp.MustCompile(`^de\.efa\.[a-z]+\.[a-z]+ed\.v[1-9]$`)
	seen := map[string]bool{}
	for _, typ := range event.Types() {
		if !rule.MatchString(typ.Name) || seen[typ.Name] || typ.Meaning == "" || typ.Emitter == "" {
			t.Errorf("entry %+v", typ)
		}
		seen[typ.Name] = true
		if got, ok := event.Lookup(typ.Name); !ok || got.Name != typ.Name {
			t.Errorf("%s is not found", typ.Name)
		}
	}
	if _, ok := event.Lookup("de.efa.case.forgotten.v1"); ok {
		t.Error("an unknown type is found")
	}
	if _, ok := event.Schema("de.efa.case.forgotten.v1"); ok {
		t.Error("an unknown type has a schema")
	}
	if _, ok := event.Schema("../../error"); ok {
		t.Error("a path has a schema")
	}
}

func TestDecodeIgnoresMembersThatCameLater(t *testing.T) {
	t.Parallel()
	got, err := event.Decode[event.TaskReturned](event.Recorded{Data: json.RawMessage(`{"task_id":"t","step":"s","pass":2,"reason":"r","later":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(event.TaskReturned{Task: "t", Step: "s", Pass: 2, Reason: "r"}, got); d != "" {
		t.Fatal(d)
	}
	if _, err := event.Decode[event.TaskReturned](event.Recorded{Data: json.RawMessage(`[]`)}); err == nil {
		t.Fatal("want an error")
	}
}

// The text of a norm is the only member that is no code; each record of the law must fit its form.
func TestEveryDeadlineOfTheLawFitsTheSchema(t *testing.T) {
	t.Parallel()
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	schema := compiled(t, event.TypeTaskAssigned)
	for _, record := range book.Deadlines() {
		example := exampleOf(t, event.TypeTaskAssigned)
		deadline := example["deadline"].(map[string]any)
		deadline["law"], deadline["legal_basis"] = record.ID, record.LegalBasis
		if err := schema.Validate(example); err != nil {
			t.Errorf("%s: %v", record.ID, err)
		}
	}
}
