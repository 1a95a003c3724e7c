package procedure_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/procedure"
)

// Every pair of states, so that a new state cannot come without its row.
func TestEveryStepOfANotificationIsLegalOrRefused(t *testing.T) {
	t.Parallel()
	const yes, no = true, false
	want := map[procedure.State]map[procedure.State]bool{
		procedure.Received:     {procedure.Received: no, procedure.Acknowledged: yes, procedure.Closed: yes},
		procedure.Acknowledged: {procedure.Received: no, procedure.Acknowledged: no, procedure.Closed: yes},
		procedure.Closed:       {procedure.Received: no, procedure.Acknowledged: no, procedure.Closed: no},
	}
	got := map[procedure.State]map[procedure.State]bool{}
	for _, from := range procedure.States() {
		got[from] = map[procedure.State]bool{}
		for _, to := range procedure.States() {
			err := from.Move(procedure.Notification, to)
			got[from][to] = err == nil
			if err != nil && (!strings.Contains(err.Error(), string(from)) || !strings.Contains(err.Error(), string(to))) {
				t.Errorf("%s to %s: the error does not name both: %v", from, to, err)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestAProcedureOfAnUnknownKindDoesNotMove(t *testing.T) {
	t.Parallel()
	for _, from := range procedure.States() {
		for _, to := range append(procedure.States(), "unknown", "") {
			if err := from.Move("unknown", to); err == nil {
				t.Errorf("%s to %s", from, to)
			}
			if err := procedure.State("unknown").Move(procedure.Notification, to); err == nil {
				t.Errorf("unknown to %s", to)
			}
		}
	}
}

func TestOnlyAClosedProcedureIsNotOpen(t *testing.T) {
	t.Parallel()
	for state, want := range map[procedure.State]bool{
		procedure.Received: true, procedure.Acknowledged: true, procedure.Closed: false, "unknown": false, "": false,
	} {
		if state.Open() != want {
			t.Errorf("%s: open %v", state, !want)
		}
	}
}

func TestEveryStateHasAStatusForCitizens(t *testing.T) {
	t.Parallel()
	type in struct {
		state                    procedure.State
		tasksAssigned, delivered bool
	}
	got := map[in]procedure.Status{}
	for _, s := range append(procedure.States(), "") {
		for _, assigned := range []bool{false, true} {
			for _, delivered := range []bool{false, true} {
				got[in{s, assigned, delivered}] = procedure.Project(s, assigned, delivered)
			}
		}
	}
	want := map[in]procedure.Status{
		{"", false, false}:                     procedure.Submitted,
		{"", false, true}:                      procedure.Submitted,
		{"", true, false}:                      procedure.Submitted,
		{"", true, true}:                       procedure.Submitted,
		{procedure.Received, false, false}:     procedure.StatusReceived,
		{procedure.Received, false, true}:      procedure.StatusReceived,
		{procedure.Received, true, false}:      procedure.Processing,
		{procedure.Received, true, true}:       procedure.Processing,
		{procedure.Acknowledged, false, false}: procedure.Processing,
		{procedure.Acknowledged, false, true}:  procedure.Processing,
		{procedure.Acknowledged, true, false}:  procedure.Processing,
		{procedure.Acknowledged, true, true}:   procedure.Processing,
		{procedure.Closed, false, false}:       procedure.Processing,
		{procedure.Closed, false, true}:        procedure.Completed,
		{procedure.Closed, true, false}:        procedure.Processing,
		{procedure.Closed, true, true}:         procedure.Completed,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}
