package delivery_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Every pair of states, so that a new state cannot come without its row (features RT-20).
func TestEveryStepOfADeliveryIsLegalOrRefused(t *testing.T) {
	t.Parallel()
	want := map[delivery.State][]delivery.State{
		delivery.Announced: {delivery.Fetched, delivery.Rejected},
		delivery.Fetched:   {delivery.Accepted, delivery.Rejected},
	}
	got := map[delivery.State][]delivery.State{}
	for _, from := range append(delivery.States(), "unknown") {
		for _, to := range append(delivery.States(), "unknown") {
			err := from.Move(to)
			if err == nil {
				got[from] = append(got[from], to)
			} else if !strings.Contains(err.Error(), string(from)+" to "+string(to)) {
				t.Errorf("%s to %s: the error does not name both: %v", from, to, err)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestTheReasonsForARejectionAreClosed(t *testing.T) {
	t.Parallel()
	got := delivery.Rejections()
	slices.Sort(got)
	want := []delivery.Rejection{"missing_content", "schema_violation", "undecodable", "wrong_recipient"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}
