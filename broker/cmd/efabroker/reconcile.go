package main

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

func (s *session) reconcileCommand() *cobra.Command {
	var repair bool
	var reason string
	c := s.command("reconcile", "Compare ledger, event log and process engine; repair with --repair", func(ctx context.Context, _ []string) error {
		if repair && reason == "" {
			return failure.Usage("say why: --reason TEXT, 8 to 200 characters, no names of people", "--repair needs --reason")
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		body := client.StartReconciliationJSONRequestBody{Repair: &repair, Reason: argument.Optional(reason)}
		got, err := api.StartReconciliationWithResponse(ctx, body)
		if err != nil {
			return err
		}
		run, err := client.Value(got, got.JSON201)
		if err != nil {
			return err
		}
		if run, err = s.followReconciliation(ctx, api, run); err != nil {
			return err
		}
		if err := output.Show(s.printer(), run, report.Reconciliation); err != nil {
			return err
		}
		return verdictOf(run)
	})
	c.Long = c.Short + ".\n\nWithout --repair nothing is changed, and what a repair would do is listed. With it, an emptied event log is filled again from the " +
		"ledger, and cases that an emptied process engine has lost are started again; no effect is repeated. Progress goes to standard error. It ends " +
		"with an error when something is to be repaired, or the run failed."
	c.Flags().BoolVar(&repair, "repair", false, "rebuild what was lost")
	c.Flags().StringVar(&reason, "reason", "", "why; kept with the run. Name no person")
	return c
}

// followReconciliation waits for the end of a run and tells people how far it is.
func (s *session) followReconciliation(ctx context.Context, api *client.ClientWithResponses, run reconciliation.Run) (reconciliation.Run, error) {
	progress := output.Printer{Out: s.program.Stderr}
	for run.State == reconciliation.Running {
		if !s.machine() {
			if err := progress.Lines(report.Progress(run.Report)); err != nil {
				return run, err
			}
		}
		parsed, err := uuid.Parse(run.ID)
		if err != nil {
			return run, contracts.Errorf(contracts.Internal, "read answer", "%w", err)
		}
		wait, after := watchSeconds, run.Revision
		got, err := api.GetReconciliationWithResponse(ctx, parsed, &client.GetReconciliationParams{AfterRevision: &after, WaitSeconds: &wait})
		if err != nil {
			return run, err
		}
		if run, err = client.Value(got, got.JSON200); err != nil {
			return run, err
		}
	}
	return run, nil
}

// verdictOf is the error with which a run ends the program.
func verdictOf(run reconciliation.Run) error {
	switch {
	case run.State == reconciliation.Interrupted:
		return failure.Hinted(contracts.Errorf(contracts.Unavailable, "reconcile", "the broker stopped in the midst"), "run it again; what was repaired stays so")
	case run.State != reconciliation.Done:
		return failure.Hinted(contracts.Errorf(contracts.Unavailable, "reconcile", "the run failed: %s", run.Report.Error), "is every engine running? the broker's log holds the cause")
	case !run.Report.Consistent:
		return failure.Hinted(contracts.Errorf(contracts.Conflict, "reconcile", "something is to be repaired"), "efabroker reconcile --repair --reason TEXT")
	}
	return nil
}

func (s *session) outboxCommand() *cobra.Command {
	var caseID, since, reason string
	var all bool
	c := s.command("replay", "Publish events of the ledger again; consumers drop what they have", func(ctx context.Context, _ []string) error {
		body := client.ReplayOutboxJSONRequestBody{Reason: reason}
		if (caseID == "") == !all {
			return failure.Usage("efabroker outbox replay --case CASE --reason TEXT", "name one case with --case, or all with --all")
		}
		if reason == "" {
			return failure.Usage("say why: --reason TEXT, 8 to 200 characters, no names of people", "--reason is missing")
		}
		var err error
		if body.CaseId, err = argument.OptionalID("--case", caseID); err != nil {
			return err
		}
		if since != "" {
			at, err := time.Parse(time.RFC3339, since)
			if err != nil {
				return failure.Usage("such as 2026-03-02T08:00:00Z", "--since: want an instant by RFC 3339")
			}
			body.Since = &at
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.ReplayOutboxWithResponse(ctx, body)
		if err != nil {
			return err
		}
		r, err := client.Value(got, got.JSON201)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), r, func(r client.Replayed) []string {
			return []string{strconv.FormatInt(r.Events, 10) + " events are published again"}
		})
	})
	c.Flags().StringVar(&caseID, "case", "", "only events of this case")
	c.Flags().BoolVar(&all, "all", false, "events of every case")
	c.Flags().StringVar(&since, "since", "", "only what was published since this instant (RFC 3339)")
	c.Flags().StringVar(&reason, "reason", "", "why; kept with the replay. Name no person")
	return group("outbox", "The outbox: events on their way to the event log", c)
}
