package report

import (
	"encoding/json"
	"strings"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// Event writes one event: a line for people, a record for machines.
func Event(p output.Printer, e client.Event) error {
	if p.JSON {
		return p.Record(e)
	}
	return p.Lines(strings.TrimRight(p.Instant(e.Time)+"  "+pad(short(e.Type), 22)+about(e.Data), " "))
}

// short is an event type without what all of them share: "task.assigned".
func short(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(name, "de.efa."), ".v1")
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(1, width-len(s))) }

// about names what an event is about, as far as its data say; no event holds content.
func about(data json.RawMessage) string {
	var d struct {
		Authority string `json:"authority"`
		Lead      string `json:"lead_authority"`
		Step      string `json:"step"`
		Outcome   string `json:"outcome"`
		Purpose   string `json:"purpose"`
		Reason    string `json:"reason"`
		Linked    string `json:"linked_case"`
		Decision  string `json:"decision_id"`
	}
	if json.Unmarshal(data, &d) != nil {
		return ""
	}
	var parts []string
	for _, part := range []struct{ name, value string }{
		{"", d.Authority},
		{"", d.Lead},
		{"step ", d.Step},
		{"outcome ", d.Outcome},
		{"purpose ", d.Purpose},
		{"reason ", d.Reason},
		{"case ", d.Linked},
		{"decision ", d.Decision},
	} {
		if part.value != "" {
			parts = append(parts, part.name+part.value)
		}
	}
	return strings.Join(parts, ", ")
}
