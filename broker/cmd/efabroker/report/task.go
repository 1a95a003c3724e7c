package report

import (
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// Task writes one task.
func Task(p output.Printer, t client.Task) error {
	return output.Show(p, t, func(t client.Task) []string {
		return output.Pairs(
			"task", t.ID,
			"case", t.Case,
			"service", string(t.Service),
			"authority", string(t.Authority),
			"role", string(t.Role),
			"state", string(t.State),
			"outcomes", strings.Join(t.Outcomes, " "),
			"outcome", t.Outcome,
			"opens", string(t.Opens),
			"assigned", p.Instant(t.AssignedAt),
			"due", Due(t.Deadline.Due),
			"legal basis", t.Deadline.LegalBasis,
			"on silence", string(t.Deadline.SilenceEffect),
			"completed", p.Moment(t.CompletedAt),
		)
	})
}

// Due is how people read the last instant of a period: in the zone in which German law counts days, whatever the zone of
// the machine. A task without one is due "without undue delay".
func Due(at *time.Time) string {
	if at == nil {
		return "without undue delay"
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return at.UTC().Format("2006-01-02 15:04:05 MST")
	}
	local, zone := at.In(berlin), "MEZ"
	if local.IsDST() {
		zone = "MESZ"
	}
	return local.Format("2006-01-02 15:04:05 ") + zone
}
