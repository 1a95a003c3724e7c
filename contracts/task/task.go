package task

import (
	"errors"
	"fmt"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// State is the state of a task.
type State string

const (
	// Assigned is a task whose holder has the ball.
	Assigned State = "assigned"
	// Completed is a task that was answered with an outcome.
	Completed State = "completed"
	// NotCompetent is a task whose holder answered that it is not competent: a third answer beside yes and no.
	NotCompetent State = "not_competent"
	// Expired is a task that silence decided at the due instant.
	Expired State = "expired"
	// Cancelled is a task that a withdrawal ended.
	Cancelled State = "cancelled"
)

// States lists every state.
func States() []State { return []State{Assigned, Completed, NotCompetent, Expired, Cancelled} }

// Move checks the step from s to next under the silence effect e. An illegal step is an error that names both states.
func (s State) Move(next State, e law.SilenceEffect) error {
	switch s {
	case Assigned:
		if next == Expired && e == law.None {
			return errors.New("a task whose silence means nothing never expires")
		}
		if next != Assigned {
			return nil
		}
	case Expired:
		if next == Completed && e == law.Disregardable {
			return nil
		}
	case Completed, NotCompetent, Cancelled:
	}
	return fmt.Errorf("a task cannot go from %s to %s", s, next)
}

// Task is what a holder sees: no content, no person.
type Task struct {
	ID   string `json:"task_id"`
	Case string `json:"case_id"`
	// Step is the path in the definition; Pass counts repeats.
	Step string         `json:"step"`
	Pass int            `json:"pass"`
	Role authority.Role `json:"role"`
	// Authority holds the task.
	Authority authority.ID `json:"authority"`
	// Service is the service of the case.
	Service key.ServiceKey `json:"service"`
	// Opens is the service whose submission completes the task; empty when an outcome completes it.
	Opens key.ServiceKey `json:"opens,omitempty"`
	State State          `json:"state"`
	// Outcomes are the outcomes that the definition allows.
	Outcomes []string `json:"outcomes"`
	// Outcome is the one given; empty while open.
	Outcome string `json:"outcome,omitempty"`
	// OutcomeFacts are the facts that came with the outcome.
	OutcomeFacts fact.Values  `json:"outcome_facts,omitempty"`
	Deadline     law.Deadline `json:"deadline"`
	AssignedAt   time.Time    `json:"assigned_at"`
	CompletedAt  *time.Time   `json:"completed_at,omitempty"`
}

// Overdue reports whether the holder still has the ball after the due instant.
func (t Task) Overdue(now time.Time) bool {
	return t.State == Assigned && t.Deadline.Due != nil && now.After(*t.Deadline.Due)
}
