package engine

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Event is an event that a process reacts to, as the ledger hands it over: gap-free EngineSeq per case, from 1.
// The event with EngineSeq 1 is the submission itself.
type Event struct {
	EngineSeq int64  `json:"engine_seq"`
	ID        string `json:"event_id"`
	// Type is the event type; the catalogue lists which types are handed over.
	Type string `json:"type"`
	// At is the time of receipt.
	At time.Time `json:"at"`
	// Task, Step, Pass and Outcome describe a task's answer; empty otherwise. A not-competent answer has the
	// Outcome NotCompetent.
	Task    string      `json:"task_id,omitempty"`
	Step    string      `json:"step,omitempty"`
	Pass    int         `json:"pass,omitempty"`
	Outcome string      `json:"outcome,omitempty"`
	Facts   fact.Values `json:"facts,omitempty"`
}

// NotCompetent is the Outcome of a task whose holder is not competent.
const NotCompetent = "not_competent"

// Outcomes that silence gives a task at its due instant; like NotCompetent no definition lists them.
const (
	// Expired is the Outcome of a task whose silence may be disregarded.
	Expired = "expired"
	// DeemedGranted is the Outcome of a task whose silence counts as yes.
	DeemedGranted = "deemed_granted"
)

// Overdue is the reason for which a person is called to a task that silence never ends.
const Overdue = "overdue"

// Silence is the Outcome that silence gives under the effect e; empty under None.
func Silence(e law.SilenceEffect) string {
	switch e {
	case law.DeemedGranted:
		return DeemedGranted
	case law.Disregardable:
		return Expired
	case law.None:
	}
	return ""
}

// ExpiryStep is the path under which the ledger keeps that silence ended the task of a step. No step id holds a slash.
func ExpiryStep(step string) string { return step + "/expired" }

// Start is the input of a permit workflow's first run; the workflow id is the case id.
type Start struct {
	Case string `json:"case_id"`
	// Definition is the SHA-256 of the resolved definition, 64 hex digits.
	Definition string `json:"definition"`
}

// Case is what a process needs to know of its case, read once at the start of each run.
type Case struct {
	ID         string            `json:"case_id"`
	Service    key.ServiceKey    `json:"service"`
	Definition string            `json:"definition"`
	Kind       procedure.Kind    `json:"kind"`
	ReceivedAt time.Time         `json:"received_at"`
	Parties    []authority.Party `json:"parties"`
	// Facts are the facts that are not sensitive.
	Facts fact.Values `json:"facts"`
	// Steps are the results that the ledger keeps; a step found here is not done again.
	Steps []Result `json:"steps"`
	// Open is false when the case has ended.
	Open bool `json:"open"`
}

// StepKey names one pass of one step of one case; results, task ids and event ids derive from it.
type StepKey struct {
	Case string `json:"case_id"`
	Step string `json:"step"`
	Pass int    `json:"pass"`
}

// Command is what every effect of a process carries.
type Command struct {
	StepKey
	// AfterSeq is the last EngineSeq that the process has applied. When the ledger holds a later one, nothing is
	// appended and the later events are the answer.
	AfterSeq int64 `json:"after_seq"`
}

// Assign gives a task to an authority.
type Assign struct {
	Command
	Role      authority.Role `json:"role"`
	Authority authority.ID   `json:"authority"`
	// Law is the id of the deadline record.
	Law string `json:"law"`
	// Start is the instant of the record's start event.
	Start    time.Time `json:"start"`
	Outcomes []string  `json:"outcomes"`
	// OutcomeFacts names the facts that may come with an outcome.
	OutcomeFacts []string `json:"outcome_facts,omitempty"`
	// Opens is the service whose submission completes the task; empty when an outcome does.
	Opens key.ServiceKey `json:"opens,omitempty"`
	// Purpose is the purpose for which the holder may fetch.
	Purpose string `json:"purpose"`
	Basis   string `json:"basis"`
}

// Announce tells each party of the case for which a law row with one of Purposes is in force that there is something
// for it, if the policy allows (stage abstract).
type Announce struct {
	Command
	// Purposes choose the law rows: "notice.inform", "statistics".
	Purposes []string `json:"purposes"`
	Basis    string   `json:"basis"`
	// Facts are facts from outcomes that the decision needs beside those of the content.
	Facts fact.Values `json:"facts,omitempty"`
}

// Expire records that silence ended a task at its due instant. Its step is ExpiryStep of the task's step. The ledger
// decides: every answer received by the due instant wins, and as long as one may still be on its way into the ledger the
// command fails as Unavailable.
type Expire struct {
	Command
	Task string `json:"task_id"`
}

// Move brings the case into a procedural state, or marks that it waits for a person.
type Move struct {
	Command
	// State is the next state; empty with Attention.
	State procedure.State `json:"state,omitempty"`
	// Attention is a reason code for a person: "not_competent", "overdue".
	Attention string `json:"attention,omitempty"`
}

// Result is the answer to a command, kept in the ledger under (case, step, pass).
type Result struct {
	Step string `json:"step"`
	Pass int    `json:"pass"`
	// EngineSeq is the AfterSeq under which the step was appended.
	EngineSeq int64 `json:"engine_seq"`
	// At is the instant of the append.
	At time.Time `json:"at"`
	// Task is the id of the task that was assigned.
	Task string `json:"task_id,omitempty"`
	// Due is the absolute due instant of that task, and SilenceEffect what silence at Due means.
	Due           *time.Time        `json:"due,omitempty"`
	SilenceEffect law.SilenceEffect `json:"silence_effect,omitempty"`
	// Announced lists the authorities that were told.
	Announced []authority.ID `json:"announced,omitempty"`
	// Later is not empty when nothing was appended: apply these, decide again.
	Later []Event `json:"later,omitempty"`
}
