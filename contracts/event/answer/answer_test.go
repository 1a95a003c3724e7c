package answer_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
	"github.com/efa-broker/efa-broker/contracts/event/internal/generate"
)

var update = flag.Bool("update", false, "write the generated files anew")

func TestGeneratedSchemasAreCurrent(t *testing.T) {
	t.Parallel()
	for _, typ := range answer.Types() {
		want, err := generate.Schema(typ)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("schemas", typ.Name+".json")
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
			t.Errorf("%s is not current, run go generate ./contracts/event/answer: %s", name, d)
		}
	}
	found, err := filepath.Glob("schemas/*.json")
	if err != nil || len(found) != len(answer.Types()) {
		t.Errorf("%d schemas for %d types: %v", len(found), len(answer.Types()), err)
	}
}

func TestAnswersAreClosedAndTakeNoFreeText(t *testing.T) {
	t.Parallel()
	const task, delivery = "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11.register.1", "e4b1c2d3-1a2b-4c3d-9e8f-0a1b2c3d4e72"
	good := map[string][]string{
		answer.TypeCompleted: {`{"task_id":"` + task + `","outcome":"registered","facts":{"x":true},"contents":[{"content_id":"` + delivery + `"}]}`, `{"task_id":"` + task + `","outcome":"registered"}`},
		answer.TypeReturned:  {`{"task_id":"` + task + `"}`},
		answer.TypeAccepted:  {`{"delivery_id":"` + delivery + `"}`},
		answer.TypeRejected:  {`{"delivery_id":"` + delivery + `","reason":"undecodable"}`},
	}
	bad := map[string][]string{
		answer.TypeCompleted: {`{"task_id":"` + task + `"}`, `{"task_id":"` + task + `","outcome":"Erika Mustermann"}`, `{"task_id":"1","outcome":"registered"}`},
		answer.TypeReturned:  {`{"task_id":"` + task + `","reason":"zu viel zu tun"}`, `{}`, `[]`, `null`},
		answer.TypeAccepted:  {`{"delivery_id":"x"}`, `{"delivery_id":"` + delivery + `","note":true}`},
		answer.TypeRejected:  {`{"delivery_id":"` + delivery + `"}`, `{"delivery_id":"` + delivery + `","reason":"no idea"}`},
	}
	for _, typ := range answer.Types() {
		schema := compiled(t, typ.Name)
		for _, text := range good[typ.Name] {
			if err := schema.Validate(document(t, text)); err != nil {
				t.Errorf("%s: %s: %v", typ.Name, text, err)
			}
		}
		for _, text := range bad[typ.Name] {
			if schema.Validate(document(t, text)) == nil {
				t.Errorf("%s takes %s", typ.Name, text)
			}
		}
	}
}

func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	raw, ok := answer.Schema(name)
	if !ok {
		t.Fatalf("%s has no schema", name)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, document(t, string(raw))); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func document(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnswersAreNoEventsOfTheLedger(t *testing.T) {
	t.Parallel()
	for _, typ := range answer.Types() {
		if _, ok := event.Lookup(typ.Name); ok {
			t.Errorf("%s is also an event of the ledger", typ.Name)
		}
		if _, err := json.Marshal(typ.Data); err != nil {
			t.Error(err)
		}
	}
	for _, typ := range event.Types() {
		if _, ok := answer.Schema(typ.Name); ok {
			t.Errorf("an authority may send %s", typ.Name)
		}
	}
}

func TestATopicNamesItsSender(t *testing.T) {
	t.Parallel()
	if a, ok := answer.Sender(answer.Topic("gewerbeamt-muenchen")); !ok || a != "gewerbeamt-muenchen" {
		t.Errorf("sender %s, %t", a, ok)
	}
	for _, topic := range []string{"efa.cases", "efa.outbox.", "efa.outbox.X", "efa.inbox.gewerbeamt-muenchen", "gewerbeamt-muenchen"} {
		if a, ok := answer.Sender(topic); ok {
			t.Errorf("%s is the topic of %s", topic, a)
		}
	}
	for id, want := range map[string]bool{
		"17": false, "office/answer/17": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "Erika Mustermann": false, "größe-größe": false, "answer\n17": false, "": false,
	} {
		if answer.ValidID(id) != want {
			t.Errorf("id %q: want %t", id, want)
		}
	}
}
