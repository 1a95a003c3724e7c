package eventlog

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Names of the headers of an event in the binary mode of the CloudEvents Kafka binding 1.0.
const (
	attr            = "ce_"
	headerVersion   = attr + "specversion"
	headerID        = attr + "id"
	headerSource    = attr + "source"
	headerType      = attr + "type"
	headerSubject   = attr + "subject"
	headerTime      = attr + "time"
	headerCaseSeq   = attr + event.ExtCaseSeq
	headerEngineSeq = attr + event.ExtEngineSeq
	headerTenant    = attr + event.ExtTenant
	headerTrace     = attr + event.ExtTraceParent
	headerMedia     = "content-type"
	// The plain header is the hop and may be replaced on the way; the attribute is the origin and stays.
	headerHop = "traceparent"

	specVersion = "1.0"
	mediaJSON   = "application/json"
)

// Encode turns an event of the ledger into its record on event.Topic: a CloudEvent in binary mode, keyed by the case,
// whose value is the event's data as the ledger holds them. The subject is the case. An event that refers to content
// carries in dataref the URI reference under which the broker's API shows the event.
//
// Operator and Actor do not travel: who acted is for the ledger and for those who may read it. An event that is
// incomplete is Invalid, one above event.MaxBytes is TooLarge.
func Encode(r event.Recorded) (Record, error) {
	if err := complete(r); err != nil {
		return Record{}, err
	}
	out := Record{Topic: event.Topic, Key: r.Case, Value: r.Data, Time: r.Time.UTC().Truncate(time.Millisecond)}
	set := func(key, value string) {
		out.Headers = append(out.Headers, Header{Key: key, Value: []byte(value)})
	}
	set(headerVersion, specVersion)
	set(headerID, r.ID)
	set(headerSource, r.Source)
	set(headerType, r.Type)
	set(headerSubject, r.Case)
	set(headerTime, r.Time.UTC().Format(time.RFC3339Nano))
	set(headerMedia, mediaJSON)
	set(headerCaseSeq, strconv.FormatInt(r.CaseSeq, 10))
	if r.EngineSeq > 0 {
		set(headerEngineSeq, strconv.FormatInt(r.EngineSeq, 10))
	}
	set(headerTenant, string(r.Tenant))
	set(attr+event.ExtPartitionKey, r.Case)
	if refersToContent(r.Data) {
		set(attr+event.ExtDataRef, dataRef(r))
	}
	if r.TraceParent != "" {
		set(headerTrace, r.TraceParent)
		set(headerHop, cmp.Or(r.Hop, r.TraceParent))
	}
	if out.Size()-recordOverhead > event.MaxBytes {
		return Record{}, contracts.Errorf(contracts.TooLarge, "encode event", "%d bytes are more than %d",
			out.Size()-recordOverhead, event.MaxBytes)
	}
	return out, nil
}

// Decode reads an event from a record that Encode made, or a later version of it: attributes that it does not know are
// ignored. Operator and Actor stay empty. A record that is no such event is Invalid; one in a version of CloudEvents or
// a media type that the broker does not speak is Unsupported. The data are not looked into.
func Decode(rec Record) (event.Recorded, error) {
	h := headersOf(rec)
	if v := h[headerVersion]; v != "" && v != specVersion {
		return event.Recorded{}, contracts.Errorf(contracts.Unsupported, "decode event", "version of CloudEvents is not %s", specVersion)
	}
	if media, _, _ := strings.Cut(h[headerMedia], ";"); !strings.EqualFold(strings.TrimSpace(media), mediaJSON) {
		return event.Recorded{}, contracts.Errorf(contracts.Unsupported, "decode event", "%s is not %s", headerMedia, mediaJSON)
	}
	for _, key := range []string{headerVersion, headerID, headerSource, headerType, headerSubject, headerTenant} {
		if h[key] == "" {
			return event.Recorded{}, contracts.Errorf(contracts.Invalid, "decode event", "%s is missing", key)
		}
	}
	at, err := time.Parse(time.RFC3339Nano, h[headerTime])
	if err != nil {
		return event.Recorded{}, contracts.Errorf(contracts.Invalid, "decode event", "%s is no RFC 3339 time", headerTime)
	}
	caseSeq, err := sequence(h[headerCaseSeq])
	if err != nil {
		return event.Recorded{}, contracts.Errorf(contracts.Invalid, "decode event", "%s is no sequence number", headerCaseSeq)
	}
	var engineSeq int64
	if text, given := h[headerEngineSeq]; given {
		if engineSeq, err = sequence(text); err != nil {
			return event.Recorded{}, contracts.Errorf(contracts.Invalid, "decode event", "%s is no sequence number", headerEngineSeq)
		}
	}
	return event.Recorded{
		ID: h[headerID], Source: h[headerSource], Type: h[headerType], Case: h[headerSubject],
		Tenant: authority.TenantID(h[headerTenant]), Time: at.UTC(), CaseSeq: caseSeq, EngineSeq: engineSeq,
		Data: rec.Value, TraceParent: h[headerTrace], Hop: hopOf(h),
	}, nil
}

// hopOf is the trace context of the hop, where that is another than the origin.
func hopOf(h map[string]string) string {
	if h[headerHop] == h[headerTrace] {
		return ""
	}
	return h[headerHop]
}

// headersOf keeps the headers that Decode reads, keys in lower case, the last of several.
func headersOf(rec Record) map[string]string {
	h := make(map[string]string, len(rec.Headers))
	for _, header := range rec.Headers {
		h[strings.ToLower(header.Key)] = string(header.Value)
	}
	return h
}

func sequence(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}

func complete(r event.Recorded) error {
	for _, f := range []struct {
		name string
		ok   bool
	}{
		{"event_id", r.ID != ""},
		{"source", r.Source != ""},
		{"type", r.Type != ""},
		{"case_id", r.Case != ""},
		{"tenant", r.Tenant != ""},
		{"time", !r.Time.IsZero()},
		{"case_seq", r.CaseSeq > 0},
		{"data", json.Valid(r.Data)},
	} {
		if !f.ok {
			return contracts.Errorf(contracts.Invalid, "encode event", "%s is missing or wrong", f.name)
		}
	}
	return nil
}

// refersToContent tells whether data name a sealed object. All data structs of the catalogue use these two members.
func refersToContent(data json.RawMessage) bool {
	var refs struct {
		Contents []json.RawMessage `json:"contents"`
		Content  string            `json:"content_id"`
	}
	return json.Unmarshal(data, &refs) == nil && (len(refs.Contents) > 0 || refs.Content != "")
}

func dataRef(r event.Recorded) string {
	return "/v1/cases/" + url.PathEscape(r.Case) + "/events?after_seq=" + strconv.FormatInt(r.CaseSeq-1, 10)
}
