package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/report"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func (s *session) taskCommand() *cobra.Command {
	var office string
	c := group("task", "Tasks: who has the ball, and a back office by hand",
		s.taskList(&office), s.taskShow(&office), s.taskAccept(&office), s.taskComplete(&office), s.taskNotCompetent(&office))
	c.PersistentFlags().StringVar(&office, "as", "", "authority to act for; its key lies beside the operator's (list and show: default the operator, who sees all tasks and answers none)")
	return c
}

// taskReader opens the API for --as, or as the operator, who may look at tasks.
func (s *session) taskReader(office string) (*client.ClientWithResponses, error) {
	if office == "" {
		return s.operator()
	}
	return s.office(office)
}

// forOffice opens the API for --as, which every command that answers needs.
func (s *session) forOffice(office string) (*client.ClientWithResponses, error) {
	if office == "" {
		return nil, failure.Usage("name the office: --as AUTHORITY; efabroker authority list shows the ids",
			"the operator acts for no office: --as is required")
	}
	return s.office(office)
}

func (s *session) taskList(office *string) *cobra.Command {
	var state, caseID string
	c := s.command("list", "List tasks, oldest first", func(ctx context.Context, _ []string) error {
		parsed, err := argument.OptionalID("--case", caseID)
		if err != nil {
			return err
		}
		params := client.ListTasksParams{State: argument.Optional(client.ListTasksParamsState(state)), CaseId: parsed}
		if params.State != nil && !params.State.Valid() {
			return failure.Usage("want assigned, completed, not_competent, expired or cancelled", "--state: there is no such state")
		}
		api, err := s.taskReader(*office)
		if err != nil {
			return err
		}
		tasks, err := listTasks(ctx, api, params)
		if err != nil {
			return err
		}
		p := s.printer()
		return output.List(p, tasks, []string{"TASK", "AUTHORITY", "SERVICE", "STATE", "DUE", "OUTCOMES", "OPENS"}, func(t client.Task) []string {
			return []string{t.ID, string(t.Authority), string(t.Service), string(t.State), report.Due(t.Deadline.Due), strings.Join(t.Outcomes, " "), string(t.Opens)}
		})
	})
	c.Flags().StringVar(&state, "state", "", "only tasks in this state")
	c.Flags().StringVar(&caseID, "case", "", "only tasks of this case")
	return c
}

func listTasks(ctx context.Context, api *client.ClientWithResponses, params client.ListTasksParams) ([]client.Task, error) {
	return pages(func(after *string) ([]client.Task, *string, error) {
		params.After = after
		got, err := api.ListTasksWithResponse(ctx, &params)
		if err != nil {
			return nil, nil, err
		}
		page, err := client.Value(got, got.JSON200)
		return page.Tasks, page.Next, err
	})
}

func (s *session) taskShow(office *string) *cobra.Command {
	return s.command("show TASK", "Show one task", func(ctx context.Context, args []string) error {
		api, err := s.taskReader(*office)
		if err != nil {
			return err
		}
		t, err := getTask(ctx, api, args[0])
		if err != nil {
			return err
		}
		return report.Task(s.printer(), t)
	})
}

func getTask(ctx context.Context, api *client.ClientWithResponses, taskID string) (client.Task, error) {
	got, err := api.GetTaskWithResponse(ctx, taskID)
	if err != nil {
		return client.Task{}, err
	}
	return client.Value(got, got.JSON200)
}
