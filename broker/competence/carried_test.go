package competence

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheCarriedAuthoritiesAreThoseOfASeededLedger(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	if err := c.Seed(t.Context(), "bayern"); err != nil {
		t.Fatal(err)
	}
	want, err := c.Authorities(t.Context(), "bayern")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Carried(c.cfg.Register, c.cfg.Packages, "bayern")
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		t.Fatal("the ledger holds no authority")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ledger (-), carried (+):\n%s", diff)
	}
}
