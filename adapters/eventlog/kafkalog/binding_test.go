package kafkalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/event"
)

func headers(pairs ...string) []eventlog.Header {
	var out []eventlog.Header
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, eventlog.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return out
}

func recorded() event.Recorded {
	return event.Recorded{
		ID: "7d2/register/1/1", Source: "urn:efa:bayern", Type: event.TypeTaskCompleted, Case: "7d2", Tenant: "muenchen",
		Time: time.Date(2025, 11, 3, 8, 15, 0, 123456000, time.UTC), CaseSeq: 4, EngineSeq: 2,
		Data:        json.RawMessage(`{"task_id":"7d2.register.1","contents":[{"content_id":"c1","kind":"certificate"}]}`),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
}

func TestTheSDKReadsAnEventOfTheLedger(t *testing.T) {
	t.Parallel()
	sent := recorded()
	r, err := eventlog.Encode(sent)
	if err != nil {
		t.Fatal(err)
	}
	got, err := binding.ToEvent(t.Context(), kafkalog.NewMessage(r))
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("not a valid CloudEvent: %v", err)
	}
	want := ce.New()
	want.SetID(sent.ID)
	want.SetSource(sent.Source)
	want.SetType(sent.Type)
	want.SetSubject(sent.Case)
	want.SetTime(sent.Time)
	for name, value := range map[string]string{
		"caseseq": "4", "engineseq": "2", "tenant": "muenchen", "partitionkey": "7d2",
		"dataref": "/v1/cases/7d2/events?after_seq=3", "traceparent": sent.TraceParent,
	} {
		want.SetExtension(name, value)
	}
	if err := want.SetData(ce.ApplicationJSON, sent.Data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
}

func TestTheLedgersDecoderReadsAnEventOfTheSDK(t *testing.T) {
	t.Parallel()
	want := recorded()
	first, err := eventlog.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	e, err := binding.ToEvent(t.Context(), kafkalog.NewMessage(first))
	if err != nil {
		t.Fatal(err)
	}
	r := eventlog.Record{Topic: event.Topic}
	if err := kafkalog.WriteRecord(t.Context(), binding.ToMessage(e), &r); err != nil {
		t.Fatal(err)
	}
	if err := kafkalog.MapKey(&r); err != nil {
		t.Fatal(err)
	}
	got, err := eventlog.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" || r.Key != want.Case {
		t.Errorf("event differs, key %q (-want +got):\n%s", r.Key, diff)
	}
}

func TestEncodingIsReadFromTheHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers []eventlog.Header
		want    binding.Encoding
	}{
		"structured":             {headers("content-type", "application/cloudevents+json"), binding.EncodingStructured},
		"any case, parameters":   {headers("Content-Type", " Application/CloudEvents+JSON; charset=utf-8"), binding.EncodingStructured},
		"unknown format":         {headers("content-type", "application/cloudevents+avro"), binding.EncodingUnknown},
		"batch":                  {headers("content-type", "application/cloudevents-batch+json"), binding.EncodingUnknown},
		"batch with attributes":  {headers("content-type", "application/cloudevents-batch+json", "ce_specversion", "1.0"), binding.EncodingUnknown},
		"binary":                 {headers("ce_specversion", "1.0", "content-type", "application/json"), binding.EncodingBinary},
		"binary in upper case":   {headers("CE_SpecVersion", "1.0"), binding.EncodingBinary},
		"old version":            {headers("ce_specversion", "0.3"), binding.EncodingBinary},
		"unknown version":        {headers("ce_specversion", "2.0"), binding.EncodingUnknown},
		"last of several counts": {headers("ce_specversion", "2.0", "ce_specversion", "1.0"), binding.EncodingBinary},
		"attribute is not UTF-8": {headers("ce_specversion", "1.0", "ce_id", "\xff"), binding.EncodingUnknown},
		"other header, no UTF-8": {headers("ce_specversion", "1.0", "other", "\xff"), binding.EncodingBinary},
		"plain record":           {headers("content-type", "application/json"), binding.EncodingUnknown},
		"no headers":             {nil, binding.EncodingUnknown},
	} {
		m := kafkalog.NewMessage(eventlog.Record{Headers: c.headers, Value: []byte("{}")})
		if got := m.ReadEncoding(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatIsNoEventIsNotPassedOn(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]eventlog.Record{
		"plain record": {Key: "k", Value: []byte("{}"), Headers: headers("content-type", "application/json")},
		"tombstone":    {Key: "k"},
	} {
		out := eventlog.Record{Topic: "t", Key: "kept", Value: []byte("kept"), Headers: headers("kept", "yes")}
		before := out
		if err := kafkalog.WriteRecord(t.Context(), kafkalog.NewMessage(in), &out); !errors.Is(err, binding.ErrUnknownEncoding) {
			t.Errorf("%s: %v, want an unknown encoding", name, err)
		}
		if diff := cmp.Diff(before, out); diff != "" {
			t.Errorf("%s: record was changed:\n%s", name, diff)
		}
	}
}

func TestAStructuredEventPassesByteForByte(t *testing.T) {
	t.Parallel()
	odd := "{ \"specversion\" : \"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\n\"big\": 12345678901, \"partitionkey\":\"case-7\"}"
	in := eventlog.Record{Value: []byte(odd), Headers: headers("content-type", "application/cloudevents+json; charset=utf-8")}
	out := eventlog.Record{Topic: "t", Headers: headers("traceparent", "hop", "ce_id", "old", "Content-Type", "old", "CE_Old", "old")}
	if err := kafkalog.WriteRecord(t.Context(), kafkalog.NewMessage(in), &out); err != nil {
		t.Fatal(err)
	}
	if err := kafkalog.MapKey(&out); err != nil {
		t.Fatal(err)
	}
	want := eventlog.Record{
		Topic: "t", Key: "case-7", Value: []byte(odd),
		Headers: headers("traceparent", "hop", "content-type", "application/cloudevents+json"),
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABinaryEventReplacesAnEarlierOne(t *testing.T) {
	t.Parallel()
	e := ce.New()
	e.SetID("new")
	e.SetSource("/s")
	e.SetType("t")
	e.SetExtension("number", 7)
	e.SetExtension("flag", true)
	out := eventlog.Record{Topic: "t", Key: "own", Value: []byte("old"), Headers: headers("ce_old", "x", "ce_id", "old", "other", "kept")}
	if err := kafkalog.WriteRecord(t.Context(), binding.ToMessage(&e), &out); err != nil {
		t.Fatal(err)
	}
	if err := kafkalog.MapKey(&out); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, h := range out.Headers {
		if _, twice := got[h.Key]; twice {
			t.Errorf("header %s stands there twice", h.Key)
		}
		got[h.Key] = string(h.Value)
	}
	want := map[string]string{
		"ce_specversion": "1.0", "ce_id": "new", "ce_source": "/s", "ce_type": "t", "ce_number": "7", "ce_flag": "true", "other": "kept",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if out.Value != nil {
		t.Errorf("event without data left the value %q", out.Value)
	}
	if out.Key != "own" {
		t.Errorf("key is %q: the one that was set wins", out.Key)
	}
}

func TestAttributesAreReadWithoutConversion(t *testing.T) {
	t.Parallel()
	m := kafkalog.NewMessage(eventlog.Record{Headers: headers("ce_specversion", "1.0", "ce_id", "1", "CE_CaseSeq", "9", "content-type", "text/plain")})
	for kind, want := range map[spec.Kind]any{spec.ID: "1", spec.DataContentType: "text/plain", spec.SpecVersion: "1.0", spec.Time: nil} {
		if attribute, got := m.GetAttribute(kind); attribute.Kind() != kind || got != want {
			t.Errorf("%v: %v, want %v", kind, got, want)
		}
	}
	if got := m.GetExtension("caseseq"); got != "9" {
		t.Errorf("caseseq is %v", got)
	}
	if got := m.GetExtension("absent"); got != nil {
		t.Errorf("absent is %v", got)
	}
	plain := kafkalog.NewMessage(eventlog.Record{Headers: headers("ce_id", "1")})
	if attribute, value := plain.GetAttribute(spec.ID); attribute != nil || value != nil {
		t.Errorf("a plain record has the attribute %v", value)
	}
	if err := m.Finish(io.EOF); err != nil {
		t.Errorf("finish: %v", err)
	}
}

func TestKeyIsNotGuessed(t *testing.T) {
	t.Parallel()
	structured := headers("content-type", "application/cloudevents+json")
	for name, c := range map[string]struct {
		record eventlog.Record
		key    string
		fails  bool
	}{
		"binary without partitionkey":     {record: eventlog.Record{Headers: headers("ce_specversion", "1.0")}},
		"structured without partitionkey": {record: eventlog.Record{Headers: structured, Value: []byte(`{}`)}},
		"partitionkey is a number":        {record: eventlog.Record{Headers: structured, Value: []byte(`{"partitionkey":7}`)}, fails: true},
		"plain record":                    {record: eventlog.Record{Value: []byte(`{"partitionkey":"k"}`)}},
		"binary":                          {record: eventlog.Record{Headers: headers("ce_specversion", "1.0", "ce_partitionkey", "k")}, key: "k"},
	} {
		err := kafkalog.MapKey(&c.record)
		if (err != nil) != c.fails || c.record.Key != c.key {
			t.Errorf("%s: key %q, error %v", name, c.record.Key, err)
		}
		if err != nil && contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: kind %v", name, contracts.KindOf(err))
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add("ce_specversion", []byte("1.0"), "ce_time", []byte("now"), []byte("{}"))
	f.Add("content-type", []byte("application/cloudevents+json"), "ce_id", []byte{255}, []byte(`{"specversion":"1.0"}`))
	f.Fuzz(func(t *testing.T, k1 string, v1 []byte, k2 string, v2, value []byte) {
		in := eventlog.Record{Key: "k", Value: value, Headers: []eventlog.Header{{Key: k1, Value: v1}, {Key: k2, Value: v2}}}
		m := kafkalog.NewMessage(in)
		if _, err := binding.ToEvent(context.WithoutCancel(t.Context()), m); err == nil && m.ReadEncoding() == binding.EncodingUnknown {
			t.Error("an event was read from what is none")
		}
		_, decodeErr := eventlog.Decode(in)
		if decodeErr == nil && m.ReadEncoding() != binding.EncodingBinary {
			t.Error("the ledger's decoder and the binding disagree")
		}
	})
}
