package process_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/process"
)

func TestOpenReadsBackWhatResolveWrote(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"gewa1.yaml", "gewa3.yaml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded, err := process.Load(read(t, file), env())
			if err != nil {
				t.Fatal(err)
			}
			doc, hash, err := process.Resolve(read(t, file), env())
			if err != nil {
				t.Fatal(err)
			}
			opened, err := process.Open(doc)
			if err != nil {
				t.Fatal(err)
			}
			ignore := cmpopts.IgnoreUnexported(process.Definition{}, process.Step{})
			if diff := cmp.Diff(loaded, opened, ignore); diff != "" {
				t.Errorf("definition (-loaded +opened):\n%s", diff)
			}
			if opened.Hash() != hash || len(hash) != 64 {
				t.Errorf("Hash() = %q, want %q of 64 digits", opened.Hash(), hash)
			}
		})
	}
}

func TestOpenedDefinitionDecidesWithoutTheServicePackage(t *testing.T) {
	t.Parallel()
	doc, _, err := process.Resolve(read(t, "gewa1.yaml"), env())
	if err != nil {
		t.Fatal(err)
	}
	d, err := process.Open(doc)
	if err != nil {
		t.Fatal(err)
	}
	const forward = 2
	for _, moved := range []bool{true, false} {
		if got, err := d.When(forward, fact.Values{"full_move": moved}, nil); err != nil || got != moved {
			t.Errorf("When(full_move %v) = %v, %v", moved, got, err)
		}
	}
	if r, ok := d.Deadline("gewo-14-1-s3"); !ok || !r.UndueDelay {
		t.Errorf("Deadline(gewo-14-1-s3) = %+v, %v; want the record it was resolved with", r, ok)
	}
}

func TestResolveIgnoresLayoutAndSeesLaw(t *testing.T) {
	t.Parallel()
	src := read(t, "gewa1.yaml")
	_, hash, err := process.Resolve(src, env())
	if err != nil {
		t.Fatal(err)
	}
	commented := append([]byte("# a comment\n\n"), src...)
	if _, other, err := process.Resolve(commented, env()); err != nil || other != hash {
		t.Errorf("with a comment: %s, %v; want %s", other, err, hash)
	}
	changed := env()
	before := changed.Deadline
	changed.Deadline = func(id string) (law.DeadlineRecord, error) {
		r, err := before(id)
		r.Days++
		return r, err
	}
	if _, other, err := process.Resolve(src, changed); err != nil || other == hash {
		t.Errorf("with another period: %s, %v; want another hash", other, err)
	}
}

func TestResolveWritesCanonicalJSONWithoutSensitiveFacts(t *testing.T) {
	t.Parallel()
	doc, _, err := process.Resolve(read(t, "gewa1.yaml"), env())
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(tree) // encoding/json sorts the keys of maps
	if err != nil || !bytes.Equal(again, doc) {
		t.Errorf("document is not canonical: %s", doc)
	}
	if strings.Contains(string(doc), "foreign_trader") {
		t.Errorf("document names a sensitive fact: %s", doc)
	}
}

func TestOpenRefusesWhatResolveDidNotWrite(t *testing.T) {
	t.Parallel()
	doc, _, err := process.Resolve(read(t, "gewa1.yaml"), env())
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, replacement string) []byte {
		if !strings.Contains(string(doc), old) {
			t.Fatalf("the document has no %s", old)
		}
		return []byte(strings.Replace(string(doc), old, replacement, 1))
	}
	cases := map[string]struct {
		doc  []byte
		kind contracts.Kind
	}{
		"no JSON":             {[]byte("process: p"), contracts.Invalid},
		"another engine":      {swap(`"engine":1`, `"engine":2`), contracts.Unsupported},
		"an unknown field":    {swap(`"engine":1`, `"engine":1,"extra":true`), contracts.Invalid},
		"no process":          {[]byte(`{"engine":1}`), contracts.Invalid},
		"a record less":       {swap(`"id":"gewo-15-1"`, `"id":"gewo-15-9"`), contracts.Invalid},
		"a step of two kinds": {swap(`"call":"acknowledge"`, `"call":"acknowledge","end":"closed"`), contracts.Invalid},
		"a wrong condition":   {swap(`"when":"facts.full_move"`, `"when":"facts.full"`), contracts.Invalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := process.Open(c.doc); err == nil || contracts.KindOf(err) != c.kind {
				t.Errorf("Open() = %v, want kind %s", err, c.kind)
			}
		})
	}
}
