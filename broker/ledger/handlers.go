package ledger

import (
	"context"
	"net/http"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// pageOfEvents bounds one answer of the event list.
const pageOfEvents = 500

// Mount adds the ledger's routes to mux.
func (l *Ledger) Mount(mux *http.ServeMux, errs httpserver.Errors) {
	h := NewStrictHandlerWithOptions(handlers{l}, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: errs.Request, ResponseErrorHandlerFunc: errs.Response,
	})
	HandlerWithOptions(h, StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: errs.Param})
}

type handlers struct{ *Ledger }

func (h handlers) ListCaseEvents(ctx context.Context, req ListCaseEventsRequestObject) (ListCaseEventsResponseObject, error) {
	v := httpserver.Viewer(ctx)
	gate := standing.Gate{Access: h.cfg.Access}
	var rel decision.Relation
	if err := h.cfg.DB.View(ctx, v, func(q sqlstore.Querier) (err error) {
		rel, err = gate.Case(ctx, q, v, req.CaseId.String(), decision.CaseRead)
		return err
	}); err != nil {
		return nil, err
	}
	if rel == decision.Participant { // its part is in its inbox; the numbering alone would tell what others receive
		return nil, contracts.Errorf(contracts.NotFound, "list events", "no such object for this viewer")
	}
	var after int64
	if req.Params.AfterSeq != nil {
		after = *req.Params.AfterSeq
	}
	var wait time.Duration
	if req.Params.WaitSeconds != nil {
		wait = time.Duration(*req.Params.WaitSeconds) * time.Second
	}
	events, err := h.await(ctx, v, req.CaseId.String(), after, wait)
	if err != nil {
		return nil, err
	}
	return ListCaseEvents200JSONResponse{Events: append([]event.Recorded{}, events...)}, nil
}

// await reads events behind after; when there are none it waits for commits until wait is over.
func (l *Ledger) await(ctx context.Context, v actor.Viewer, caseID string, after int64, wait time.Duration) ([]event.Recorded, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		committed := l.Committed()
		events, err := l.viewEvents(ctx, v, caseID, after)
		if err != nil || len(events) > 0 || wait == 0 {
			return events, err
		}
		select {
		case <-committed:
		case <-deadline.C:
			return l.viewEvents(ctx, v, caseID, after) // a wake-up may be lost
		case <-httpserver.Draining(ctx):
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *Ledger) viewEvents(ctx context.Context, v actor.Viewer, caseID string, after int64) (events []event.Recorded, err error) {
	err = l.cfg.DB.View(ctx, v, func(q sqlstore.Querier) error {
		events, err = l.CaseEvents(ctx, q, caseID, after, pageOfEvents)
		return err
	})
	return events, err
}

func (h handlers) VerifyLedger(ctx context.Context, _ VerifyLedgerRequestObject) (VerifyLedgerResponseObject, error) {
	v := httpserver.Viewer(ctx)
	gate := standing.Gate{Access: h.cfg.Access}
	if err := gate.Collection(ctx, v, decision.LedgerVerify); err != nil {
		return nil, err
	}
	result, err := h.Verify(ctx, v.Operator)
	if err != nil {
		return nil, err
	}
	return VerifyLedger200JSONResponse(result), nil
}
