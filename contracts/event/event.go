package event

import (
	"encoding/json"
	"time"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// MaxBytes is the size above which an event is refused: intermediaries must forward 64 KiB (CloudEvents 1.0).
const MaxBytes = 64 << 10

// Topic is the topic of all cases, keyed by case; only the relay writes to it.
const Topic = "efa.cases"

// Names of the CloudEvents extensions that the broker uses, in the lower case that the specification demands.
const (
	ExtCaseSeq      = "caseseq"
	ExtEngineSeq    = "engineseq"
	ExtInboxSeq     = "inboxseq"
	ExtTenant       = "tenant"
	ExtDataRef      = "dataref"
	ExtPartitionKey = "partitionkey"
	ExtTraceParent  = "traceparent"
)

// Draft is an event before the ledger has accepted it.
type Draft struct {
	// ID and Source together identify the event for ever; a repeat changes nothing.
	ID     string
	Source string
	Type   string
	Case   string
	Tenant authority.TenantID
	Actor  actor.Actor
	// Received says when the event was received; the zero value for what the broker does itself.
	Received Reception
	// Data is a pointer to or value of the struct that the catalogue lists for Type.
	Data any
}

// Reception is the receipt of something from outside: when it had been read in full, and by whom. Deadlines are decided by
// it, never by the time of processing (DESIGN law 3).
type Reception struct {
	// At is the database's clock at that moment.
	At time.Time
	// Source and Epoch name the reader: the ledger takes the event only while the reader is not left out. Without a Source
	// nobody is asked.
	Source string
	Epoch  int64
}

// Recorded is an event as the ledger holds it.
type Recorded struct {
	ID       string               `json:"event_id"`
	Source   string               `json:"source"`
	Type     string               `json:"type"`
	Case     string               `json:"case_id"`
	Tenant   authority.TenantID   `json:"tenant"`
	Operator authority.OperatorID `json:"operator"`
	Actor    actor.Actor          `json:"actor"`
	// Time is the time of receipt; that of the record for what the broker did itself.
	Time time.Time `json:"time"`
	// CaseSeq counts the events of the case from 1 without gaps.
	CaseSeq int64 `json:"case_seq"`
	// EngineSeq counts those that the process reacts to; 0 for all others.
	EngineSeq int64           `json:"engine_seq,omitempty"`
	Data      json.RawMessage `json:"data"`
	// TraceParent is the W3C trace context of the origin; may be empty.
	TraceParent string `json:"traceparent,omitempty"`
	// Repeated is true when the ledger already held the event and nothing was changed.
	Repeated bool `json:"-"`
}

// Decode reads the data into a T, the struct that the catalogue lists for the type. Unknown optional fields are
// ignored, as events evolve by addition (DESIGN decision 13).
func Decode[T any](r Recorded) (T, error) {
	var v T
	err := json.Unmarshal(r.Data, &v)
	return v, err
}
