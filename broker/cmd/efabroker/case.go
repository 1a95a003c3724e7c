package main

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) caseCommand() *cobra.Command {
	return group("case", "Cases: submit, show, list, watch, erase, hold",
		s.caseSubmit(), s.caseShow(), s.caseList(), s.caseWatch(), s.caseErase(), s.caseHold(), s.caseLiftHold())
}

func (s *session) caseList() *cobra.Command {
	return s.command("list", "List the cases that the operator hosts, oldest first", func(ctx context.Context, _ []string) error {
		api, err := s.operator()
		if err != nil {
			return err
		}
		cases, err := pages(func(after *string) ([]client.Case, *string, error) {
			got, err := api.ListCasesWithResponse(ctx, &client.ListCasesParams{After: after})
			if err != nil {
				return nil, nil, err
			}
			page, err := client.Value(got, got.JSON200)
			return page.Cases, page.Next, err
		})
		if err != nil {
			return err
		}
		p := s.printer()
		return output.List(p, cases, []string{"CASE", "SERVICE", "STATUS", "LEAD", "RECEIVED", "ATTENTION"}, func(c client.Case) []string {
			return []string{c.ID, string(c.Service), string(c.Status), string(c.Lead), p.Instant(c.ReceivedAt), c.Attention}
		})
	})
}

func (s *session) caseShow() *cobra.Command {
	return s.command("show CASE", "Show one case and who has the ball", func(ctx context.Context, args []string) error {
		caseID, err := argument.ID("CASE", args[0])
		if err != nil {
			return err
		}
		api, err := s.operator()
		if err != nil {
			return err
		}
		got, err := api.GetCaseWithResponse(ctx, caseID)
		if err != nil {
			return err
		}
		c, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		p := s.printer()
		if p.JSON {
			return p.Object(c)
		}
		tasks, err := tasksOf(ctx, api, caseID)
		if err != nil {
			return err
		}
		return p.Lines(append(caseLines(p, c), holders(p, tasks)...)...)
	})
}

func caseLines(p output.Printer, c client.Case) []string {
	return output.Pairs(
		"case", c.ID,
		"service", string(c.Service),
		"status", string(c.Status),
		"state", string(c.State),
		"lead authority", string(c.Lead),
		"tenant", string(c.Tenant),
		"received", p.Instant(c.ReceivedAt),
		"closed", p.Moment(c.ClosedAt),
		"erased", p.Moment(c.ErasedAt),
		"attention", c.Attention,
		"linked cases", strings.Join(c.Linked, " "),
	)
}

// holders says who has or had the ball.
func holders(p output.Printer, tasks []client.Task) []string {
	if len(tasks) == 0 {
		return nil
	}
	rows := [][]string{{"TASK OF", "STATE", "SINCE", "DUE", "OUTCOME"}}
	for _, t := range tasks {
		rows = append(rows, []string{string(t.Authority), string(t.State), p.Instant(t.AssignedAt), report.Due(t.Deadline.Due), t.Outcome})
	}
	return append([]string{""}, output.Table(rows)...)
}

// tasksOf lists the tasks of a case; a client that may not see them sees none.
func tasksOf(ctx context.Context, api *client.ClientWithResponses, caseID uuid.UUID) ([]client.Task, error) {
	tasks, err := listTasks(ctx, api, client.ListTasksParams{CaseId: &caseID})
	if k := contracts.KindOf(err); err != nil && k != contracts.Denied && k != contracts.NotFound {
		return nil, err
	}
	return tasks, nil
}
