package reconciliation

import "time"

// Kind is what a run was asked for.
type Kind string

const (
	// Compare changes nothing.
	Compare Kind = "compare"
	// Repair rebuilds what was lost.
	Repair Kind = "repair"
	// Replay publishes events again.
	Replay Kind = "replay"
)

// State is how far a run is; the package comment says what each means.
type State string

// The states.
const (
	Running     State = "running"
	Done        State = "done"
	Failed      State = "failed"
	Interrupted State = "interrupted"
)

// Run is one reconciliation with who asked for it and why.
type Run struct {
	ID    string `json:"reconciliation_id"`
	Kind  Kind   `json:"kind"`
	State State  `json:"state"`
	// Revision rises with every change.
	Revision  int64      `json:"revision"`
	Actor     string     `json:"actor"`
	Reason    string     `json:"reason,omitempty"`
	StartedAt time.Time  `json:"started_at"`
	SeenAt    time.Time  `json:"seen_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Report    Report     `json:"report"`
}

// Phase is what a run works on.
type Phase string

// The phases, in their order.
const (
	ReadEventLog Phase = "event_log"
	ReadLedger   Phase = "ledger"
	AskEngine    Phase = "process_engine"
	RepairAll    Phase = "repair"
	EndOfAll     Phase = "end"
	MaxFindings        = 200
)

// Report is what a run has found so far.
type Report struct {
	Phase Phase `json:"phase"`
	Done  int64 `json:"done"`
	// Total is that of the phase.
	Total int64 `json:"total"`
	// Consistent says that nothing is to be repaired; it is true only at the end.
	Consistent bool `json:"consistent"`
	// Error is the kind of the error that ended the run.
	Error  string `json:"error,omitempty"`
	Ledger Ledger `json:"ledger"`
	Log    Log    `json:"event_log"`
	Engine Engine `json:"process_engine"`
	// Findings are listed up to MaxFindings; MoreFindings counts the rest.
	Findings     []Finding `json:"findings"`
	MoreFindings int64     `json:"more_findings"`
}

// Ledger is what the ledger holds.
type Ledger struct {
	Cases     int64 `json:"cases"`
	OpenCases int64 `json:"open_cases"`
	Events    int64 `json:"events"`
	// Unpublished events wait for the relay.
	Unpublished int64 `json:"unpublished"`
	// Stopped cases wait for a dead letter to be sent again.
	Stopped int64 `json:"stopped"`
}

// Log is what the event log holds, measured by the ledger.
type Log struct {
	Records int64 `json:"records"`
	// Lost events were published, and the log should hold them.
	Lost int64 `json:"lost"`
	// Aged events were published before what the log still keeps.
	Aged int64 `json:"aged"`
	// Foreign records are of events that the ledger does not hold.
	Foreign     int64 `json:"foreign"`
	Undecodable int64 `json:"undecodable"`
	// Behind counts pairs of consumer and case that wait for their turn.
	Behind int64 `json:"behind"`
	// NotHandedOver counts pairs to which nothing in the log will bring what they lack.
	NotHandedOver int64 `json:"not_handed_over"`
	Republished   int64 `json:"republished"`
}

// Engine is what the process engine knows of the open cases.
type Engine struct {
	Running int64 `json:"running"`
	Absent  int64 `json:"absent"`
	Ended   int64 `json:"ended"`
	// Behind processes have not applied what was handed over.
	Behind int64 `json:"behind"`
	// Silent processes do not say how far they are.
	Silent     int64 `json:"silent"`
	Resumed    int64 `json:"resumed"`
	HandedOver int64 `json:"handed_over"`
}

// FindingKind is what was found.
type FindingKind string

// The kinds of findings.
const (
	EventLost     FindingKind = "event_lost"
	NotHandedOver FindingKind = "not_handed_over"
	ForeignRecord FindingKind = "foreign_record"
	ProcessAbsent FindingKind = "process_absent"
	ProcessEnded  FindingKind = "process_ended"
	ProcessBehind FindingKind = "process_behind"
)

// Finding is one case that is not as the ledger has it.
type Finding struct {
	Kind FindingKind `json:"kind"`
	Case string      `json:"case_id"`
	// Detail holds sequence numbers and names of consumers.
	Detail string `json:"detail"`
	// Repair says what a repair does about it.
	Repair string `json:"repair"`
}

// Add keeps a finding, or counts it when the list is full.
func (r *Report) Add(f Finding) {
	if len(r.Findings) < MaxFindings {
		r.Findings = append(r.Findings, f)
		return
	}
	r.MoreFindings++
}
