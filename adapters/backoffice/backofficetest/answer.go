package backofficetest

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/content"
)

// Store implements backoffice.Port.
func (b *Broker) Store(_ context.Context, doc backoffice.Document) (content.Ref, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(); err != nil {
		return content.Ref{}, err
	}
	if known, ok := b.stored[doc.ID]; ok && !bytes.Equal(known.Body, doc.Body) && !same(known.Body, doc.Body) {
		return content.Ref{}, contracts.Errorf(contracts.Conflict, "store content", "another content bears this id")
	}
	b.stored[doc.ID] = doc
	return content.Ref{Content: doc.ID, Kind: doc.Kind}, nil
}

// Answer implements backoffice.Port.
func (b *Broker) Answer(_ context.Context, task string, o backoffice.Outcome) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(); err != nil {
		return err
	}
	for _, ref := range o.Contents {
		if _, ok := b.stored[ref.Content]; !ok {
			return contracts.Errorf(contracts.Conflict, "complete task", "a content that it refers to is not stored")
		}
	}
	return b.answer(task, o)
}

// answer records an outcome. The caller holds the lock.
func (b *Broker) answer(task string, o backoffice.Outcome) error {
	item := b.task(task)
	if item == nil {
		return contracts.Errorf(contracts.NotFound, "complete task", "there is no such task")
	}
	if o.Code != backoffice.NotCompetent().Code && !slices.Contains(item.Outcomes, o.Code) {
		return &contracts.Error{Kind: contracts.Invalid, Op: "complete task", Problems: []contracts.Problem{
			{Pointer: "/outcome", Detail: "is none of the outcomes of this task"},
		}}
	}
	if given, ok := b.answers[task]; ok && !equal(given, o) {
		return contracts.Errorf(contracts.Conflict, "complete task", "the task has another answer")
	}
	b.answers[task] = o
	return nil
}

func equal(a, b backoffice.Outcome) bool {
	return a.Code == b.Code && (len(a.Facts) == 0 && len(b.Facts) == 0 || reflect.DeepEqual(a.Facts, b.Facts)) &&
		slices.Equal(a.Contents, b.Contents)
}

// Submit implements backoffice.Port.
func (b *Broker) Submit(_ context.Context, s backoffice.Submission) (backoffice.Submitted, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(); err != nil {
		return backoffice.Submitted{}, err
	}
	if err := b.refusal; err != nil {
		b.refusal = nil
		return backoffice.Submitted{}, err
	}
	if known, ok := b.filed[s.ID]; ok {
		if !same(known.Application, s.Application) || !reflect.DeepEqual(known.Completes, s.Completes) {
			return backoffice.Submitted{}, contracts.Errorf(contracts.Conflict, "accept submission", "another application bears this id")
		}
		return known.answer, nil
	}
	if s.Completes != nil {
		if err := b.answer(s.Completes.Task, backoffice.Outcome{Code: s.Completes.Outcome}); err != nil {
			return backoffice.Submitted{}, err
		}
	}
	answer := backoffice.Submitted{Case: uuid.NewString(), ReceivedAt: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)}
	b.filed[s.ID] = filed{s, answer}
	return answer, nil
}
