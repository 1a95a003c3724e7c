package pull

import (
	"bytes"
	"context"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// Store implements backoffice.Port.
func (p *port) Store(ctx context.Context, doc backoffice.Document) (content.Ref, error) {
	const op = "store content"
	contentID, err := id(op, string(doc.ID))
	if err != nil {
		return content.Ref{}, err
	}
	caseID, err := id(op, doc.Case)
	if err != nil {
		return content.Ref{}, err
	}
	params := &client.StoreContentParams{CaseId: caseID, Kind: client.StoreContentParamsKind(doc.Kind)}
	got, err := p.api.StoreContentWithBodyWithResponse(ctx, contentID, params, doc.MediaType, bytes.NewReader(doc.Body))
	if err != nil {
		return content.Ref{}, err
	}
	return client.Value(got, got.JSON201, got.JSON200)
}

// Answer implements backoffice.Port.
func (p *port) Answer(ctx context.Context, task string, o backoffice.Outcome) error {
	if o.Code == backoffice.NotCompetent().Code {
		got, err := p.api.ReturnTaskWithResponse(ctx, task)
		if err != nil {
			return err
		}
		_, err = client.Value(got, got.JSON200)
		return err
	}
	body := client.Outcome{Outcome: o.Code}
	if len(o.Facts) > 0 {
		facts := map[string]any(o.Facts)
		body.Facts = &facts
	}
	if len(o.Contents) > 0 {
		body.Contents = &o.Contents
	}
	got, err := p.api.CompleteTaskWithResponse(ctx, task, body)
	if err != nil {
		return err
	}
	_, err = client.Value(got, got.JSON200)
	return err
}

// Submit implements backoffice.Port.
func (p *port) Submit(ctx context.Context, s backoffice.Submission) (backoffice.Submitted, error) {
	application, err := members(s.Application)
	if err != nil {
		return backoffice.Submitted{}, err
	}
	body := client.Submission{
		SubmissionId: s.ID, Service: string(s.Service), Region: string(s.Region), Application: application,
	}
	if s.Completes != nil {
		caseID, err := id("submit", s.Completes.Case)
		if err != nil {
			return backoffice.Submitted{}, err
		}
		body.Completes = &client.Completes{CaseId: caseID, TaskId: s.Completes.Task, Outcome: s.Completes.Outcome}
	}
	got, err := p.api.SubmitApplicationWithResponse(ctx, body)
	if err != nil {
		return backoffice.Submitted{}, err
	}
	receipt, err := client.Value(got, got.JSON201, got.JSON200)
	return backoffice.Submitted{Case: receipt.CaseId, ReceivedAt: receipt.ReceivedAt}, err
}
