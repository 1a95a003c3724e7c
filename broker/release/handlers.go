package release

import (
	"context"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

// defaultLimit is the page size when the caller names none; the contract bounds it to 500.
const defaultLimit = 100

type handlers struct{ *Release }

func (h handlers) FetchContent(ctx context.Context, req FetchContentRequestObject) (FetchContentResponseObject, error) {
	got, err := h.Fetch(ctx, httpserver.Viewer(ctx), content.ID(req.ContentId.String()), *req.Body)
	if err != nil {
		return nil, err
	}
	return FetchContent200JSONResponse(got), nil
}

func (h handlers) ListDisclosures(ctx context.Context, req ListDisclosuresRequestObject) (ListDisclosuresResponseObject, error) {
	f := Filter{Limit: defaultLimit}
	if req.Params.CaseId != nil {
		f.Case = req.Params.CaseId.String()
	}
	if req.Params.Outcome != nil {
		f.Outcome = decision.Outcome(*req.Params.Outcome)
	}
	if req.Params.After != nil {
		f.After = *req.Params.After
	}
	if req.Params.Limit != nil {
		f.Limit = *req.Params.Limit
	}
	found, next, err := h.Disclosures(ctx, httpserver.Viewer(ctx), f)
	if err != nil {
		return nil, err
	}
	answer := ListDisclosures200JSONResponse{Disclosures: found}
	if next != "" {
		answer.Next = &next
	}
	return answer, nil
}

func (h handlers) ExplainDecision(ctx context.Context, req ExplainDecisionRequestObject) (ExplainDecisionResponseObject, error) {
	got, err := h.Explain(ctx, httpserver.Viewer(ctx), req.DecisionId.String())
	if err != nil {
		return nil, err
	}
	return ExplainDecision200JSONResponse(got), nil
}

func (h handlers) ReplayDecision(ctx context.Context, req ReplayDecisionRequestObject) (ReplayDecisionResponseObject, error) {
	got, err := h.Replay(ctx, httpserver.Viewer(ctx), req.DecisionId.String())
	if err != nil {
		return nil, err
	}
	return ReplayDecision200JSONResponse(got), nil
}
