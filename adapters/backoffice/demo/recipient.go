package demo

import (
	"context"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// recipient is an office that only receives. It asks for every field of the form; what it obtains is the policy's
// decision, not its own modesty.
type recipient struct {
	authority authority.ID
	book      law.Book
	files     files
}

var _ backoffice.Handler = (*recipient)(nil)

// Announcement fetches what was announced and accepts the delivery.
func (r *recipient) Announcement(ctx context.Context, port backoffice.Port, item delivery.Item) error {
	_, err := r.receive(ctx, port, item)
	return err
}

// Task refuses: an office of this kind has nothing to do in any process of the demo.
func (r *recipient) Task(context.Context, backoffice.Port, delivery.Item) error {
	return contracts.Errorf(contracts.Unsupported, "handle task", "this office has no tasks")
}

// receive fetches each form of item, files the bytes and accepts the delivery. It returns the forms.
func (r *recipient) receive(ctx context.Context, port backoffice.Port, item delivery.Item) ([]backoffice.Fetched, error) {
	var forms []backoffice.Fetched
	for _, ref := range item.Contents {
		if ref.Form == "" {
			continue // a certificate has no fields; nobody here needs one
		}
		fields := r.fields(ref.Form)
		if len(fields) == 0 {
			return nil, contracts.Errorf(contracts.Unsupported, "receive form", "form %s is not known here", ref.Form)
		}
		got, err := port.Fetch(ctx, ref, backoffice.Ask{Fields: fields, Purpose: item.Purpose, Basis: item.Basis})
		if err != nil {
			return nil, err
		}
		if err := r.files.keep(r.authority, item.ID, len(forms), got); err != nil {
			return nil, err
		}
		forms = append(forms, got)
	}
	if len(forms) == 0 {
		return nil, &backoffice.UnreadableError{Reason: delivery.MissingContent}
	}
	return forms, port.Confirm(ctx, item.ID, "")
}

func (r *recipient) fields(form string) []string {
	var ids []string
	for _, f := range r.book.FormFields(form) {
		ids = append(ids, f.ID)
	}
	return ids
}
