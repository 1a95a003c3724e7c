package decision_test

import (
	"slices"
	"testing"

	"github.com/efa-broker/efa-broker/contracts/decision"
)

func TestFieldsAreOrderedAsTheFormDoes(t *testing.T) {
	t.Parallel()
	fields := []string{"gewa3.1", "gewa1.13", "gewa1.4", "gewa1.1", "gewa1.x", "gewa1.20"}
	slices.SortFunc(fields, decision.CompareFields)
	if want := []string{"gewa1.x", "gewa1.1", "gewa1.4", "gewa1.13", "gewa1.20", "gewa3.1"}; !slices.Equal(fields, want) {
		t.Errorf("got %q", fields)
	}
}
