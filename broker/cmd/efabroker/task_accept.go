package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/argument"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/failure"
	"github.com/efa-broker/efa-broker/broker/cmd/efabroker/output"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/law"
)

func (s *session) taskAccept(office *string) *cobra.Command {
	var path string
	c := s.command("accept TASK", "Fetch what was delivered with a task and answer that it could be read", func(ctx context.Context, args []string) error {
		if err := free(path); err != nil {
			return err
		}
		api, err := s.forOffice(*office)
		if err != nil {
			return err
		}
		item, err := findItem(ctx, api, args[0])
		if err != nil {
			return err
		}
		fields, err := s.read(ctx, api, item, path)
		if err != nil {
			return err
		}
		deliveryID, err := argument.ID("delivery", item.ID)
		if err != nil {
			return err
		}
		got, err := api.AcceptDeliveryWithResponse(ctx, deliveryID)
		if err != nil {
			return err
		}
		accepted, err := client.Value(got, got.JSON200)
		if err != nil {
			return err
		}
		return output.Show(s.printer(), accepted, func(i client.InboxItem) []string {
			return append(output.Pairs("delivery", i.ID, "state", string(i.State), "case", i.Case, "fields", strconv.Itoa(fields)),
				"", "the task is still open: "+nextCommand(i))
		})
	})
	c.Long = c.Short + ".\n\nAn answer to a delivery moves no task. The fetch is a disclosure and stands in the record."
	c.Flags().StringVar(&path, "content", "", "file for what was fetched, made with mode 0600 (default: it is not kept)")
	return c
}

// findItem looks for the delivery of a task in the office's inbox.
func findItem(ctx context.Context, api *client.ClientWithResponses, taskID string) (client.InboxItem, error) {
	cursor := ""
	for {
		got, err := api.ReadInboxWithResponse(ctx, &client.ReadInboxParams{After: argument.Optional(cursor)})
		if err != nil {
			return client.InboxItem{}, err
		}
		page, err := client.Value(got, got.JSON200)
		if err != nil {
			return client.InboxItem{}, err
		}
		for _, item := range page.Items {
			if item.Task == taskID {
				return item, nil
			}
		}
		if len(page.Items) == 0 || page.Next == cursor {
			return client.InboxItem{}, failure.Hinted(contracts.Errorf(contracts.NotFound, "find delivery", "the inbox holds none for this task"),
				"efabroker task list --as AUTHORITY shows the tasks; a delivery follows its task within moments")
		}
		cursor = page.Next
	}
}

// read fetches every form of an item, keeps it when path is not empty, and counts the fields. What was fetched before is
// fetched again only to be kept.
func (s *session) read(ctx context.Context, api *client.ClientWithResponses, item client.InboxItem, path string) (int, error) {
	if path == "" && item.State != delivery.Announced {
		return 0, nil
	}
	fields := 0
	var forms []json.RawMessage
	for _, ref := range item.Contents {
		if ref.Form == "" {
			continue
		}
		raw, n, err := fetch(ctx, api, item, ref)
		if err != nil {
			return 0, err
		}
		fields += n
		forms = append(forms, raw)
	}
	if path == "" {
		return fields, nil
	}
	return fields, keep(path, forms)
}

// fetch asks for every field of a form; the policy decides which are released.
func fetch(ctx context.Context, api *client.ClientWithResponses, item client.InboxItem, ref content.Ref) (json.RawMessage, int, error) {
	contentID, err := argument.ID("content", string(ref.Content))
	if err != nil {
		return nil, 0, err
	}
	book, err := law.Load()
	if err != nil {
		return nil, 0, err
	}
	ask := client.FetchRequest{Purpose: item.Purpose, Basis: item.Basis, Fields: []string{}}
	for _, f := range book.FormFields(ref.Form) {
		ask.Fields = append(ask.Fields, f.ID)
	}
	got, err := api.FetchContentWithResponse(ctx, contentID, ask)
	if err != nil {
		return nil, 0, err
	}
	found, err := client.Value(got, got.JSON200)
	return got.Body, len(found.Released), err
}

// free refuses a path that is taken, before anything is disclosed for it.
func free(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return failure.Usage("name a file that does not exist yet", "--content: %s exists", path)
	}
	return nil
}

// keep writes what was fetched to a new file that only its owner may read: one form as it came, several as an array.
func keep(path string, forms []json.RawMessage) error {
	const op = "keep content"
	var raw []byte
	var err error
	if len(forms) == 1 {
		raw = forms[0]
	} else if raw, err = json.Marshal(forms); err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the user names the file
	if err != nil {
		return contracts.Errorf(contracts.Invalid, op, "%w", err)
	}
	if _, err := f.Write(raw); err != nil {
		_ = f.Close()
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	if err := f.Close(); err != nil {
		return contracts.Errorf(contracts.Internal, op, "%w", err)
	}
	return nil
}

// nextCommand is the command that completes the task of an inbox item.
func nextCommand(i delivery.Item) string {
	if i.Opens == "" {
		return "efabroker task complete " + i.Task + " --as " + string(i.Authority)
	}
	return "efabroker case submit --as " + string(i.Authority) + " --completes " + i.Task + " --service " + string(i.Opens)
}
