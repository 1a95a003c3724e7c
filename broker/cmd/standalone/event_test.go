package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/santhosh-tekuri/jsonschema/v6"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// TestEveryEventOnTheTopicIsACloudEventThatFitsItsSchema reads efa.cases as another program would, with the CloudEvents
// SDK, and checks envelope, extensions, key, order and data of every record.
func TestEveryEventOnTheTopicIsACloudEventThatFitsItsSchema(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	h.play(offices.Config{})
	pkg := packageOf(t, registration)
	first := h.whole(h.submit(example(t, pkg, exampleNames(pkg)[0])))
	h.whole(first.second)
	schemas := eventSchemas(t)
	last := map[string]int64{}
	seen := map[string]bool{}
	h.records(func(r eventlog.Record) {
		ce, err := binding.ToEvent(t.Context(), kafkalog.NewMessage(r))
		if err != nil {
			t.Fatalf("offset %d: %v", r.Offset, err)
		}
		if err := ce.Validate(); err != nil {
			t.Errorf("%s: %v", ce.Type(), err)
		}
		recorded, err := eventlog.Decode(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Key != recorded.Case || ce.Extensions()[event.ExtPartitionKey] != recorded.Case || ce.Extensions()[event.ExtTenant] == "" {
			t.Errorf("%s: key %s, extensions %v", ce.Type(), r.Key, ce.Extensions())
		}
		if recorded.CaseSeq > last[recorded.Case]+1 {
			t.Errorf("case %s jumps from %d to %d", recorded.Case, last[recorded.Case], recorded.CaseSeq)
		}
		last[recorded.Case] = max(last[recorded.Case], recorded.CaseSeq)
		data, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Value))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas[ce.Type()].Validate(data); err != nil {
			t.Errorf("%s: %v", ce.Type(), err)
		}
		seen[ce.Type()] = true
	})
	for _, typ := range []string{
		event.TypeCaseSubmitted, event.TypeTaskAssigned, event.TypeTaskCompleted, event.TypeCaseAcknowledged, event.TypeContentAnnounced,
		event.TypeDisclosureRecorded, event.TypeDeliveryAccepted, event.TypeCaseLinked, event.TypeCaseClosed,
	} {
		if !seen[typ] {
			t.Errorf("no %s on the topic", typ)
		}
	}
}

func eventSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	out := map[string]*jsonschema.Schema{}
	for _, typ := range event.Types() {
		raw, ok := event.Schema(typ.Name)
		if !ok {
			t.Fatalf("no schema of %s", typ.Name)
		}
		var doc any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource(typ.Name, doc); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile(typ.Name)
		if err != nil {
			t.Fatal(err)
		}
		out[typ.Name] = schema
	}
	return out
}
