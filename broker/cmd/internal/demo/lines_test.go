package demo

import (
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// A period ends with the end of its last day in Berlin, an hour or two before the UTC day does.
func TestADeadlineIsShownInBerlinAndCitedInGerman(t *testing.T) {
	t.Parallel()
	winter := time.Date(2026, 11, 28, 22, 59, 59, 999999000, time.UTC)
	summer := time.Date(2026, 7, 3, 21, 59, 59, 999999000, time.UTC)
	for want, deadline := range map[string]law.Deadline{
		"28.11.2026, 23:59 MEZ (GewO § 15(1))":          {LegalBasis: "GewO § 15(1)", Due: &winter},
		"03.07.2026, 23:59 MESZ (GewAnzV § 3(1) Nr. 8)": {LegalBasis: "GewAnzV § 3(1) no. 8", Due: &summer},
		"unverzüglich (GewO § 14(1) S. 3)":              {LegalBasis: "GewO § 14(1) s. 3"},
	} {
		if got := due(event.TaskAssigned{Deadline: deadline}); got != want {
			t.Errorf("due %q, want %q", got, want)
		}
	}
}
