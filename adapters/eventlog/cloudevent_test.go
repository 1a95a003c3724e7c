package eventlog_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

func recorded() event.Recorded {
	return event.Recorded{
		ID: "7d2/register/1/1", Source: "urn:efa:bayern", Type: event.TypeTaskCompleted, Case: "7d2", Tenant: "muenchen",
		Operator: "bayern", Actor: actor.Actor{ID: "gewerbeamt-muenchen", Role: actor.System, Authority: "gewerbeamt-muenchen"},
		Time: time.Date(2025, 11, 3, 8, 15, 0, 123456000, time.UTC), CaseSeq: 4, EngineSeq: 2,
		Data:        json.RawMessage(`{"task_id":"7d2.register.1","contents":[{"content_id":"c1","kind":"certificate"}]}`),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
}

func TestAnEventBecomesABinaryCloudEvent(t *testing.T) {
	t.Parallel()
	got, err := eventlog.Encode(recorded())
	if err != nil {
		t.Fatal(err)
	}
	var headers [][2]string
	for _, h := range got.Headers {
		headers = append(headers, [2]string{h.Key, string(h.Value)})
	}
	trace := recorded().TraceParent
	want := [][2]string{
		{"ce_specversion", "1.0"},
		{"ce_id", "7d2/register/1/1"},
		{"ce_source", "urn:efa:bayern"},
		{"ce_type", "de.efa.task.completed.v1"},
		{"ce_subject", "7d2"},
		{"ce_time", "2025-11-03T08:15:00.123456Z"},
		{"content-type", "application/json"},
		{"ce_caseseq", "4"},
		{"ce_engineseq", "2"},
		{"ce_tenant", "muenchen"},
		{"ce_partitionkey", "7d2"},
		{"ce_dataref", "/v1/cases/7d2/events?after_seq=3"},
		{"ce_traceparent", trace},
		{"traceparent", trace},
	}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Topic != event.Topic || got.Key != "7d2" || string(got.Value) != string(recorded().Data) {
		t.Errorf("record is %s, key %s, value %s", got.Topic, got.Key, got.Value)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

func TestOptionalAttributesAreLeftOut(t *testing.T) {
	t.Parallel()
	r := recorded()
	r.EngineSeq, r.TraceParent, r.Data = 0, "", json.RawMessage(`{"step":"acknowledge","contents":[]}`)
	got, err := eventlog.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ce_engineseq", "ce_dataref", "ce_traceparent", "traceparent"} {
		if value, there := got.Header(key); there {
			t.Errorf("%s = %q, want none", key, value)
		}
	}
}

func TestEveryEventThatRefersToContentCarriesAReference(t *testing.T) {
	t.Parallel()
	for _, kind := range event.Types() {
		data, err := json.Marshal(kind.Data)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		refers := strings.Contains(text, `"contents"`) || strings.Contains(text, `"content_id"`)
		if !refers {
			continue
		}
		r := recorded()
		r.Type = kind.Name
		r.Data = json.RawMessage(strings.NewReplacer(`"contents":null`, `"contents":[{"content_id":"c"}]`, `"content_id":""`, `"content_id":"c"`).Replace(text))
		got, err := eventlog.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, there := got.Header("ce_dataref"); !there {
			t.Errorf("%s has no dataref", kind.Name)
		}
	}
}

func TestWhoActedDoesNotTravel(t *testing.T) {
	t.Parallel()
	rec, err := eventlog.Encode(recorded())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range rec.Headers {
		for _, secret := range []string{"gewerbeamt-muenchen", "authority_system"} {
			if strings.Contains(string(h.Value), secret) {
				t.Errorf("header %s names the actor", h.Key)
			}
		}
	}
	got, err := eventlog.Decode(rec)
	if err != nil {
		t.Fatal(err)
	}
	if got.Actor != (actor.Actor{}) || got.Operator != "" {
		t.Errorf("actor %v and operator %q arrived", got.Actor, got.Operator)
	}
}

func TestAnIncompleteEventIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *event.Recorded){
		"id":         func(r *event.Recorded) { r.ID = "" },
		"source":     func(r *event.Recorded) { r.Source = "" },
		"type":       func(r *event.Recorded) { r.Type = "" },
		"case":       func(r *event.Recorded) { r.Case = "" },
		"tenant":     func(r *event.Recorded) { r.Tenant = "" },
		"time":       func(r *event.Recorded) { r.Time = time.Time{} },
		"case_seq":   func(r *event.Recorded) { r.CaseSeq = 0 },
		"no data":    func(r *event.Recorded) { r.Data = nil },
		"wrong data": func(r *event.Recorded) { r.Data = json.RawMessage("{") },
	} {
		r := recorded()
		change(&r)
		if _, err := eventlog.Encode(r); err == nil || contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: got %v, want kind invalid", name, err)
		}
	}
}

func TestAnEventAbove64KiBIsRefused(t *testing.T) {
	t.Parallel()
	r := recorded()
	rec, err := eventlog.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	size := len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		size += len(h.Key) + len(h.Value)
	}
	fill := func(n int) json.RawMessage {
		return append(r.Data[:len(r.Data)-1:len(r.Data)-1], []byte(`,"fill":"`+strings.Repeat("x", n-len(`,"fill":""`))+`"}`)...)
	}
	largest := r
	largest.Data = fill(event.MaxBytes - size)
	if _, err := eventlog.Encode(largest); err != nil {
		t.Errorf("an event of 64 KiB is refused: %v", err)
	}
	largest.Data = fill(event.MaxBytes - size + 1)
	if _, err := eventlog.Encode(largest); contracts.KindOf(err) != contracts.TooLarge {
		t.Errorf("got %v, want kind too large", err)
	}
}

// TestWhatTheLedgerAcceptsTheRelayCanPublish: event.Size is never below what the record needs, and close to it.
func TestWhatTheLedgerAcceptsTheRelayCanPublish(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9./ %-]{1,60}`)
		r := event.Recorded{
			ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Type: text.Draw(t, "type"), Case: text.Draw(t, "case"),
			Tenant: authority.TenantID(text.Draw(t, "tenant")), Time: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 999_999_999),
			CaseSeq: rapid.Int64Min(1).Draw(t, "case_seq"), EngineSeq: rapid.Int64Min(0).Draw(t, "engine_seq"),
			Data:        json.RawMessage(rapid.SampledFrom([]string{`{}`, `{"content_id":"x"}`, `{"contents":[{}]}`}).Draw(t, "data")),
			TraceParent: rapid.StringMatching(`([0-9a-f]{55})?`).Draw(t, "trace"),
		}
		rec, err := eventlog.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		needed := len(rec.Key) + len(rec.Value)
		for _, h := range rec.Headers {
			needed += len(h.Key) + len(h.Value)
		}
		room := event.Size(event.Draft{ID: r.ID, Source: r.Source, Type: r.Type, Case: r.Case, Tenant: r.Tenant}, r.Data, r.TraceParent)
		if room < needed || room > needed+512 {
			t.Errorf("event.Size is %d, the record has %d bytes", room, needed)
		}
	})
}

func TestDecodeGivesBackWhatEncodeTook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z0-9./-]{1,40}`)
		want := event.Recorded{
			ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Type: text.Draw(t, "type"), Case: text.Draw(t, "case"),
			Tenant:  authority.TenantID(text.Draw(t, "tenant")),
			Time:    time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "time")).UTC(),
			CaseSeq: rapid.Int64Min(1).Draw(t, "case_seq"), EngineSeq: rapid.Int64Min(0).Draw(t, "engine_seq"),
			Data:        json.RawMessage(`{"n":` + rapid.StringMatching(`[1-9][0-9]{0,9}`).Draw(t, "data") + `}`),
			TraceParent: rapid.StringMatching(`([0-9a-f]{55})?`).Draw(t, "trace"),
		}
		rec, err := eventlog.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := eventlog.Decode(rec)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDecodeToleratesWhatALaterVersionAdds(t *testing.T) {
	t.Parallel()
	rec, err := eventlog.Encode(recorded())
	if err != nil {
		t.Fatal(err)
	}
	rec.Headers = append(rec.Headers, eventlog.Header{Key: "ce_later", Value: []byte("x")}, eventlog.Header{Key: "hop"})
	for i, h := range rec.Headers {
		rec.Headers[i].Key = strings.ToUpper(h.Key)
		if h.Key == "content-type" {
			rec.Headers[i].Value = []byte("application/JSON; charset=utf-8")
		}
	}
	got, err := eventlog.Decode(rec)
	if err != nil || got.ID != recorded().ID {
		t.Errorf("got %q, %v", got.ID, err)
	}
}

func TestDecodeRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key, value string
		kind       contracts.Kind
	}{
		"no version":      {"ce_specversion", "", contracts.Invalid},
		"other version":   {"ce_specversion", "2.0", contracts.Unsupported},
		"other media":     {"content-type", "application/xml", contracts.Unsupported},
		"no id":           {"ce_id", "", contracts.Invalid},
		"no source":       {"ce_source", "", contracts.Invalid},
		"no type":         {"ce_type", "", contracts.Invalid},
		"no subject":      {"ce_subject", "", contracts.Invalid},
		"no tenant":       {"ce_tenant", "", contracts.Invalid},
		"no time":         {"ce_time", "yesterday", contracts.Invalid},
		"no sequence":     {"ce_caseseq", "", contracts.Invalid},
		"zero sequence":   {"ce_caseseq", "0", contracts.Invalid},
		"wrong engineseq": {"ce_engineseq", "x", contracts.Invalid},
	} {
		rec, err := eventlog.Encode(recorded())
		if err != nil {
			t.Fatal(err)
		}
		rec.Headers = append(rec.Headers, eventlog.Header{Key: c.key, Value: []byte(c.value)})
		_, err = eventlog.Decode(rec)
		if err == nil || contracts.KindOf(err) != c.kind {
			t.Errorf("%s: got %v, want kind %v", name, err, c.kind)
		}
		if err != nil && c.value != "" && c.value != "0" && c.value != "x" && strings.Contains(err.Error(), c.value) {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	rec, err := eventlog.Encode(recorded())
	if err != nil {
		f.Fatal(err)
	}
	for _, h := range rec.Headers {
		f.Add(h.Key, h.Value)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		changed := rec
		changed.Headers = slices.Concat(rec.Headers, []eventlog.Header{{Key: key, Value: value}})
		got, err := eventlog.Decode(changed)
		if err != nil {
			return
		}
		if got.ID == "" || got.Case == "" || got.CaseSeq < 1 || got.EngineSeq < 0 {
			t.Errorf("an incomplete event was read: %+v", got)
		}
	})
}
