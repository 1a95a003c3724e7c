package pull

import (
	"context"
	"encoding/json"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// Next implements backoffice.Port.
func (p *port) Next(ctx context.Context, cursor string) ([]delivery.Item, string, error) {
	params := &client.ReadInboxParams{Limit: &p.limit, WaitSeconds: &p.wait}
	if cursor != "" {
		params.After = &cursor
	}
	got, err := p.api.ReadInboxWithResponse(ctx, params)
	if err != nil {
		return nil, "", err
	}
	page, err := client.Value(got, got.JSON200)
	if err != nil {
		return nil, "", err
	}
	return page.Items, page.Next, nil
}

// Fetch implements backoffice.Port. The answer's content is kept byte for byte.
func (p *port) Fetch(ctx context.Context, ref content.Ref, ask backoffice.Ask) (backoffice.Fetched, error) {
	contentID, err := id("fetch content", string(ref.Content))
	if err != nil {
		return backoffice.Fetched{}, err
	}
	got, err := p.api.FetchContentWithResponse(ctx, contentID, client.FetchRequest{
		Fields: ask.Fields, Purpose: ask.Purpose, Basis: ask.Basis,
	})
	if err != nil {
		return backoffice.Fetched{}, err
	}
	if _, err := client.Value(got, got.JSON200); err != nil {
		return backoffice.Fetched{}, err
	}
	var out backoffice.Fetched
	if err := json.Unmarshal(got.Body, &out); err != nil {
		return backoffice.Fetched{}, contracts.Errorf(contracts.Internal, "fetch content", "the answer does not follow the contract")
	}
	return out, nil
}

// Confirm implements backoffice.Port.
func (p *port) Confirm(ctx context.Context, deliveryID string, why delivery.Rejection) error {
	d, err := id("answer delivery", deliveryID)
	if err != nil {
		return err
	}
	if why == "" {
		got, err := p.api.AcceptDeliveryWithResponse(ctx, d)
		if err != nil {
			return err
		}
		_, err = client.Value(got, got.JSON200)
		return err
	}
	got, err := p.api.RejectDeliveryWithResponse(ctx, d, client.RejectDeliveryJSONRequestBody{
		Reason: client.RejectDeliveryJSONBodyReason(why),
	})
	if err != nil {
		return err
	}
	_, err = client.Value(got, got.JSON200)
	return err
}
