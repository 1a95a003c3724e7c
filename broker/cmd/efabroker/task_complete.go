package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// completion are the flags of task complete.
type completion struct {
	outcome     string
	facts       []string
	certificate string
	attachments []string
}

func (s *session) taskComplete(office *string) *cobra.Command {
	var f completion
	c := s.command("complete TASK", "Give the outcome of a task", func(ctx context.Context, args []string) error {
		return s.complete(ctx, *office, args[0], f)
	})
	c.Long = c.Short + ".\n\nA task that opens a case is completed by filing it instead: efabroker case submit --as AUTHORITY --completes TASK."
	c.Flags().StringVar(&f.outcome, "outcome", "", "one of the task's outcomes")
	c.Flags().StringArrayVar(&f.facts, "fact", nil, "fact that the task allows, name=value; may be repeated")
	c.Flags().StringVar(&f.certificate, "certificate", "", "receipt certificate, JSON or PDF file")
	c.Flags().StringArrayVar(&f.attachments, "attachment", nil, "further document, JSON or PDF file; may be repeated")
	return c
}

func (s *session) complete(ctx context.Context, office, taskID string, f completion) error {
	if f.outcome == "" {
		return failure.Usage("efabroker task show TASK --as AUTHORITY lists the outcomes", "--outcome is required")
	}
	facts, err := parseFacts(f.facts)
	if err != nil {
		return err
	}
	api, err := s.forOffice(office)
	if err != nil {
		return err
	}
	contents, err := s.documents(ctx, api, taskID, f)
	if err != nil {
		return err
	}
	body := client.Outcome{Outcome: f.outcome}
	if len(facts) > 0 {
		body.Facts = &facts
	}
	if len(contents) > 0 {
		body.Contents = &contents
	}
	got, err := api.CompleteTaskWithResponse(ctx, taskID, body)
	if err != nil {
		return err
	}
	t, err := client.Value(got, got.JSON200)
	if err != nil {
		return err
	}
	return report.Task(s.printer(), t)
}

// documents stores the files that come with an outcome.
func (s *session) documents(ctx context.Context, api *client.ClientWithResponses, taskID string, f completion) ([]client.ContentRef, error) {
	type document struct {
		path string
		kind client.StoreContentParamsKind
	}
	var all []document
	if f.certificate != "" {
		all = append(all, document{f.certificate, client.Certificate})
	}
	for _, path := range f.attachments {
		all = append(all, document{path, client.Attachment})
	}
	if len(all) == 0 {
		return nil, nil
	}
	t, err := getTask(ctx, api, taskID)
	if err != nil {
		return nil, err
	}
	caseID, err := argument.ID("case of the task", t.Case)
	if err != nil {
		return nil, err
	}
	var refs []client.ContentRef
	for _, d := range all {
		raw, err := s.input(d.path)
		if err != nil {
			return nil, err
		}
		params := &client.StoreContentParams{CaseId: caseID, Kind: d.kind}
		got, err := api.StoreContentWithBodyWithResponse(ctx, uuid.New(), params, mediaType(raw), bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		ref, err := client.Value(got, got.JSON201, got.JSON200)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// mediaType tells the two kinds of document apart that the broker takes; what is neither the broker refuses.
func mediaType(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("%PDF-")):
		return "application/pdf"
	case json.Valid(raw):
		return "application/json"
	}
	return "application/octet-stream"
}

// parseFacts reads name=value: true and false are booleans, digits a number, all else a word of an enumeration.
func parseFacts(given []string) (map[string]any, error) {
	facts := map[string]any{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := facts[name]; !ok || name == "" || value == "" || twice {
			return nil, failure.Usage("for example --fact indications_of_violation=true", "--fact: want name=value, each name once")
		}
		facts[name] = factValue(value)
	}
	return facts, nil
}

func factValue(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	return text
}

func (s *session) taskNotCompetent(office *string) *cobra.Command {
	return s.command("not-competent TASK", "Answer that the office is not competent, a third answer beside yes and no",
		func(ctx context.Context, args []string) error {
			api, err := s.forOffice(*office)
			if err != nil {
				return err
			}
			got, err := api.ReturnTaskWithResponse(ctx, args[0])
			if err != nil {
				return err
			}
			t, err := client.Value(got, got.JSON200)
			if err != nil {
				return err
			}
			return report.Task(s.printer(), t)
		})
}
