package main

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// submission are the flags of case submit.
type submission struct {
	service, region, id string
	office              string
	completes, outcome  string
}

func (s *session) caseSubmit() *cobra.Command {
	var f submission
	c := s.command("submit APPLICATION", "Submit an application, a JSON file or - for standard input, and so open a case",
		func(ctx context.Context, args []string) error { return s.submit(ctx, f, args[0]) })
	c.Long = c.Short + ".\n\nIt is filed as the portal. With --as it is filed by that authority, whose task --completes it completes."
	c.Flags().StringVar(&f.service, "service", "", "service key, 14 digits (LeiKa) or local:NAME")
	c.Flags().StringVar(&f.region, "region", "", "region key (ARS, 12 digits) of the place of business")
	c.Flags().StringVar(&f.id, "id", "", "submission id; the same id and application have their effect once (default: the task's with --completes, else a random one)")
	c.Flags().StringVar(&f.office, "as", "", "authority that files instead of the portal")
	c.Flags().StringVar(&f.completes, "completes", "", "task that the submission completes")
	c.Flags().StringVar(&f.outcome, "outcome", "", "outcome of that task")
	return c
}

func (s *session) submit(ctx context.Context, f submission, path string) error {
	body, err := s.fill(f, path)
	if err != nil {
		return err
	}
	api, err := s.filer(ctx, f, &body)
	if err != nil {
		return err
	}
	got, err := api.SubmitApplicationWithResponse(ctx, body)
	if err != nil {
		return err
	}
	receipt, err := client.Value(got, got.JSON201, got.JSON200)
	if err != nil {
		return err
	}
	p := s.printer()
	return output.Show(p, receipt, func(r client.SubmissionReceipt) []string {
		return append(output.Pairs(
			"case", r.CaseId,
			"service", r.Service,
			"submission", r.SubmissionId,
			"received", p.Instant(r.ReceivedAt),
			"receipt", r.Receipt.Hash,
		), "", "follow it: efabroker case watch "+r.CaseId)
	})
}

// fill checks the flags and reads the application.
func (s *session) fill(f submission, path string) (client.Submission, error) {
	if _, err := key.ParseServiceKey(f.service); err != nil {
		return client.Submission{}, failure.Usage("for a trade registration: --service 99050012104000", "--service: %w", err)
	}
	if _, err := key.ParseRegionKey(f.region); err != nil || len(f.region) != 12 {
		return client.Submission{}, failure.Usage("efabroker competence find --postcode shows the keys", "--region: %w", key.ErrRegionKey)
	}
	if (f.completes == "") != (f.outcome == "") || (f.completes != "" && f.office == "") {
		return client.Submission{}, failure.Usage("an authority completes its own task: --as AUTHORITY --completes TASK --outcome OUTCOME",
			"--completes, --outcome and --as belong together")
	}
	raw, err := s.input(path)
	if err != nil {
		return client.Submission{}, err
	}
	application, err := argument.Members(raw)
	if err != nil {
		return client.Submission{}, err
	}
	switch {
	case f.id != "":
	case f.completes != "":
		f.id = f.completes // a task is completed by one submission at most, so a repeat gets its receipt
	default:
		f.id = "cli-" + uuid.NewString()
	}
	return client.Submission{SubmissionId: f.id, Service: f.service, Region: f.region, Application: application}, nil
}

// filer opens the API as whoever files, and names the task that the submission completes.
func (s *session) filer(ctx context.Context, f submission, body *client.Submission) (*client.ClientWithResponses, error) {
	if f.office == "" {
		return s.as(s.cfg.Portal)
	}
	api, err := s.office(f.office)
	if err != nil || f.completes == "" {
		return api, err
	}
	t, err := getTask(ctx, api, f.completes)
	if err != nil {
		return nil, err
	}
	caseID, err := argument.ID("case of the task", t.Case)
	if err != nil {
		return nil, err
	}
	body.Completes = &client.Completes{CaseId: caseID, TaskId: t.ID, Outcome: f.outcome}
	return api, nil
}
