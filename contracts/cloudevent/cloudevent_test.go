package cloudevent_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding/format"
	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/cloudevent"
)

func sample() cloudevent.Event {
	return cloudevent.Event{
		ID: "office/answer/17", Source: "urn:efa:authority:gewerbeamt-muenchen", Type: "de.efa.answer.completed.v1",
		Subject: "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11", Time: "2026-01-15T08:00:00Z", DataContentType: "application/json",
		Extensions: map[string]string{"operator": "bayern", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
		Data:       []byte(`{ "outcome" : "registered" }`),
	}
}

func headers(pairs ...string) []cloudevent.Header {
	var out []cloudevent.Header
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, cloudevent.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return out
}

func TestAnEventComesBackAsItWasWrittenInBothModes(t *testing.T) {
	t.Parallel()
	binary := sample()
	binary.DataContentType, binary.Data = "application/octet-stream", []byte{0, 255, '"'}
	for name, e := range map[string]cloudevent.Event{"JSON": sample(), "bytes": binary} {
		for mode, r := range map[string]cloudevent.Record{"binary": e.Binary(), "structured": e.Structured()} {
			got, err := cloudevent.Read(r)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, mode, err)
			}
			if diff := cmp.Diff(e, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, mode, diff)
			}
		}
	}
}

func TestHeadersAreReadInAnyCaseAndTheirOrderDoesNotCount(t *testing.T) {
	t.Parallel()
	got, err := cloudevent.Read(cloudevent.Record{Headers: headers(
		"CE_Operator", "bayern", "Content-Type", "application/json", "traceparent", "a hop", "ce_type", "t", "other", "\xff",
		"ce_source", "/s", "CE_ID", "1", "Ce_SpecVersion", "1.0",
	), Value: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	want := cloudevent.Event{
		ID: "1", Source: "/s", Type: "t", DataContentType: "application/json", Data: []byte("{}"), Extensions: map[string]string{"operator": "bayern"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// structured is a record of the document.
func structured(document string) cloudevent.Record {
	return cloudevent.Record{Headers: headers("content-type", "application/cloudevents+json"), Value: []byte(document)}
}

const document = `"specversion":"1.0","id":"1","source":"/s","type":"t"`

func TestHostileRecordsAreRefusedWithTheirFault(t *testing.T) {
	t.Parallel()
	whole := []string{"ce_specversion", "1.0", "ce_id", "1", "ce_source", "/s", "ce_type", "t"}
	plus := func(more ...string) cloudevent.Record {
		return cloudevent.Record{Headers: headers(append(append([]string{}, whole...), more...)...), Value: []byte("{}")}
	}
	for name, c := range map[string]struct {
		record cloudevent.Record
		want   cloudevent.FaultError
	}{
		"a plain record":                 {cloudevent.Record{Value: []byte("{}")}, cloudevent.ErrNotAnEvent},
		"a tombstone":                    {cloudevent.Record{Key: "k"}, cloudevent.ErrNotAnEvent},
		"no version":                     {cloudevent.Record{Headers: headers("ce_id", "1", "ce_source", "/s", "ce_type", "t")}, cloudevent.ErrNotAnEvent},
		"another version":                {cloudevent.Record{Headers: headers("ce_specversion", "2.0")}, cloudevent.ErrUnknownVersion},
		"an old version":                 {cloudevent.Record{Headers: headers("ce_specversion", "0.3")}, cloudevent.ErrUnknownVersion},
		"a header twice":                 {plus("ce_id", "1"), cloudevent.ErrRepeatedHeader},
		"a header twice, mixed case":     {plus("CE_ID", "2"), cloudevent.ErrRepeatedHeader},
		"content-type twice":             {plus("content-type", "a/b", "Content-Type", "a/b"), cloudevent.ErrRepeatedHeader},
		"both modes":                     {plus("content-type", "application/cloudevents+json"), cloudevent.ErrBothModes},
		"both modes, upper case":         {plus("Content-Type", " APPLICATION/CLOUDEVENTS+JSON"), cloudevent.ErrBothModes},
		"a value that is no UTF-8":       {plus("ce_subject", "\xc3\x28"), cloudevent.ErrNotUTF8},
		"a control character":            {plus("ce_subject", "a\x00b"), cloudevent.ErrNotUTF8},
		"a line break":                   {plus("ce_subject", "a\nb"), cloudevent.ErrNotUTF8},
		"an empty attribute":             {plus("ce_subject", ""), cloudevent.ErrBadAttribute},
		"an empty id":                    {cloudevent.Record{Headers: headers("ce_specversion", "1.0", "ce_id", "", "ce_source", "/s", "ce_type", "t")}, cloudevent.ErrBadAttribute},
		"no source":                      {cloudevent.Record{Headers: headers("ce_specversion", "1.0", "ce_id", "1", "ce_type", "t")}, cloudevent.ErrBadAttribute},
		"a source that is no reference":  {cloudevent.Record{Headers: headers("ce_specversion", "1.0", "ce_id", "1", "ce_source", "%zz", "ce_type", "t")}, cloudevent.ErrBadAttribute},
		"a time that is none":            {plus("ce_time", "yesterday"), cloudevent.ErrBadAttribute},
		"a relative schema":              {plus("ce_dataschema", "schema.json"), cloudevent.ErrBadAttribute},
		"a name with a hyphen":           {plus("ce_my-ext", "1"), cloudevent.ErrBadAttribute},
		"a name of another script":       {plus("ce_\u212aey", "1"), cloudevent.ErrBadAttribute},
		"an extension named data":        {plus("ce_data", "1"), cloudevent.ErrBadAttribute},
		"a second media type":            {plus("ce_datacontenttype", "application/json"), cloudevent.ErrBadAttribute},
		"a batch":                        {cloudevent.Record{Headers: headers("content-type", "application/cloudevents-batch+json"), Value: []byte("[]")}, cloudevent.ErrUnsupportedFormat},
		"Avro":                           {cloudevent.Record{Headers: headers("content-type", "application/cloudevents+avro"), Value: []byte("x")}, cloudevent.ErrUnsupportedFormat},
		"another charset":                {cloudevent.Record{Headers: headers("content-type", "application/cloudevents+json; charset=utf-7")}, cloudevent.ErrUnsupportedFormat},
		"more parameters":                {cloudevent.Record{Headers: headers("content-type", "application/cloudevents+json; charset=utf-8; x=y")}, cloudevent.ErrUnsupportedFormat},
		"a name twice":                   {structured(`{` + document + `,"id":"2"}`), cloudevent.ErrNotStrictJSON},
		"a name twice in the data":       {structured(`{` + document + `,"data":{"a":1,"a":2}}`), cloudevent.ErrNotStrictJSON},
		"a byte order mark":              {structured("\xef\xbb\xbf{" + document + "}"), cloudevent.ErrNotStrictJSON},
		"bytes that are no UTF-8":        {structured("{" + document + ",\"subject\":\"\xff\"}"), cloudevent.ErrNotStrictJSON},
		"half a surrogate pair":          {structured(`{` + document + `,"subject":"\ud800"}`), cloudevent.ErrNotStrictJSON},
		"NaN":                            {structured(`{` + document + `,"data":NaN}`), cloudevent.ErrNotStrictJSON},
		"a number beyond a double":       {structured(`{` + document + `,"data":1e999}`), cloudevent.ErrNotStrictJSON},
		"a deep document":                {structured(`{` + document + `,"data":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`), cloudevent.ErrNotStrictJSON},
		"two documents":                  {structured(`{` + document + `}{}`), cloudevent.ErrNotStrictJSON},
		"an array":                       {structured(`[{` + document + `}]`), cloudevent.ErrNotStrictJSON},
		"null":                           {structured(`null`), cloudevent.ErrNotStrictJSON},
		"nothing":                        {structured(``), cloudevent.ErrNotStrictJSON},
		"a structured old version":       {structured(`{"specversion":"0.3"}`), cloudevent.ErrUnknownVersion},
		"a version that is a number":     {structured(`{"specversion":1.0}`), cloudevent.ErrBadAttribute},
		"an id that is a number":         {structured(`{"specversion":"1.0","id":1,"source":"/s","type":"t"}`), cloudevent.ErrBadAttribute},
		"an extension that is null":      {structured(`{` + document + `,"operator":null}`), cloudevent.ErrBadAttribute},
		"an extension that is an object": {structured(`{` + document + `,"operator":{}}`), cloudevent.ErrBadAttribute},
		"a member in upper case":         {structured(`{` + document + `,"Subject":"x"}`), cloudevent.ErrBadAttribute},
		"escaped control characters":     {structured(`{` + document + `,"subject":"a\u0007"}`), cloudevent.ErrBadAttribute},
		"two kinds of data":              {structured(`{` + document + `,"data":1,"data_base64":"AA=="}`), cloudevent.ErrBadAttribute},
		"Base64 that is none":            {structured(`{` + document + `,"data_base64":"A"}`), cloudevent.ErrBadAttribute},
		"Base64 that is a number":        {structured(`{` + document + `,"data_base64":1}`), cloudevent.ErrBadAttribute},
	} {
		got, err := cloudevent.Read(c.record)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if c.want == cloudevent.ErrTooLarge && got.ID != "" {
			t.Errorf("%s: was read", name)
		}
	}
}

func TestARecordOf64KiBIsReadAndOneByteMoreIsNot(t *testing.T) {
	t.Parallel()
	for mode, write := range map[string]func(cloudevent.Event) cloudevent.Record{"binary": cloudevent.Event.Binary, "structured": cloudevent.Event.Structured} {
		at := func(size int) cloudevent.Record {
			e := sample()
			e.Data = []byte(`""`)
			r := write(e)
			r.Key = "case"
			e.Data = []byte(`"` + strings.Repeat("x", size-r.Size()) + `"`)
			r = write(e)
			r.Key = "case"
			if r.Size() != size {
				t.Fatalf("%s: made %d bytes of %d", mode, r.Size(), size)
			}
			return r
		}
		for size, want := range map[int]error{cloudevent.MaxBytes - 1: nil, cloudevent.MaxBytes: nil, cloudevent.MaxBytes + 1: cloudevent.ErrTooLarge} {
			if _, err := cloudevent.Read(at(size)); !errors.Is(err, want) {
				t.Errorf("%s, %d bytes: %v, want %v", mode, size, err, want)
			}
		}
	}
}

func TestAFaultRepeatsNothingOfWhatWasSent(t *testing.T) {
	t.Parallel()
	_, err := cloudevent.Read(structured(`{` + document + `,"Mustermann":"Erika"}`))
	if err == nil || strings.Contains(err.Error(), "Muster") {
		t.Errorf("%v", err)
	}
}

// The reader of the SDK agrees on everything that Read accepts.
func agree(t *testing.T, r cloudevent.Record, e cloudevent.Event) {
	t.Helper()
	if len(r.Headers) != 1 || !bytes.HasPrefix(bytes.TrimSpace(r.Value), []byte("{")) {
		return
	}
	var other ce.Event
	if err := format.JSON.Unmarshal(r.Value, &other); err != nil {
		return // the SDK refuses more, for example an event without an absolute source
	}
	if other.ID() != e.ID || other.Source() != e.Source || other.Type() != e.Type || other.Subject() != e.Subject {
		t.Errorf("the SDK reads %s, this package %+v", other, e)
	}
	for name, value := range e.Extensions {
		if other.Extensions()[name] != value {
			t.Errorf("extension %s: the SDK reads %v, this package %q", name, other.Extensions()[name], value)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("content-type", []byte("application/cloudevents+json"), "other", []byte("x"), sample().Structured().Value)
	f.Add("ce_specversion", []byte("1.0"), "CE_ID", []byte("1"), []byte("{}"))
	f.Add("content-type", []byte("application/cloudevents+json"), "", []byte(""), []byte(`{`+document+`,"data_base64":"AA=="}`))
	f.Fuzz(func(t *testing.T, k1 string, v1 []byte, k2 string, v2, value []byte) {
		r := cloudevent.Record{Key: "k", Headers: []cloudevent.Header{{Key: k1, Value: v1}, {Key: k2, Value: v2}}, Value: value}
		for _, one := range []cloudevent.Record{r, {Headers: r.Headers[:1], Value: value}, {Headers: append(sample().Binary().Headers, r.Headers...), Value: value}} {
			e, err := cloudevent.Read(one)
			if err != nil {
				if _, fault := errors.AsType[cloudevent.FaultError](err); !fault {
					t.Fatalf("%v is no fault", err)
				}
				continue
			}
			agree(t, one, e)
			for mode, again := range map[string]cloudevent.Record{"binary": e.Binary(), "structured": e.Structured()} {
				back, err := cloudevent.Read(again)
				if errors.Is(err, cloudevent.ErrTooLarge) {
					continue
				}
				if err != nil {
					t.Fatalf("what was read cannot be written in %s mode: %v", mode, err)
				}
				if len(e.Data) == 0 {
					e.Data, back.Data = nil, nil
				}
				if diff := cmp.Diff(e, back); diff != "" {
					t.Errorf("%s mode changes the event:\n%s", mode, diff)
				}
			}
		}
	})
}
