package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// watchSeconds is how long the broker holds an answer when nothing happens.
const watchSeconds = 25

func (s *session) caseWatch() *cobra.Command {
	var onward bool
	c := s.command("watch CASE", "Follow the events of a case until it is closed", func(ctx context.Context, args []string) error {
		caseID, err := id("CASE", args[0])
		if err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		return s.watch(ctx, api, caseID, onward)
	})
	c.Long = c.Short + ". For machines, one event per line."
	c.Flags().BoolVar(&onward, "onward", false, "go on after the case is closed: recipients may still fetch")
	return c
}

func (s *session) watch(ctx context.Context, api *client.ClientWithResponses, caseID uuid.UUID, onward bool) error {
	p := s.printer()
	var after int64
	for {
		wait := watchSeconds
		got, err := api.ListCaseEventsWithResponse(ctx, caseID, &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whoever watches has seen enough
		}
		if err != nil {
			return err
		}
		page, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		closed := false
		for _, e := range page.Events {
			after = e.CaseSeq
			closed = closed || e.Type == event.TypeCaseClosed
			if err := printEvent(p, e); err != nil {
				return err
			}
		}
		if closed && !onward {
			return nil
		}
	}
}

func printEvent(p output.Printer, e client.Event) error {
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
