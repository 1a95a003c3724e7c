package eventlog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

var errHandler = errors.New("handler")

func TestBackoffDoublesUpToItsMaximum(t *testing.T) {
	t.Parallel()
	b := eventlog.Backoff{Min: 50 * time.Millisecond, Max: 300 * time.Millisecond}
	for attempt, want := range []int64{50, 100, 200, 300, 300} {
		if got := b.After(attempt).Milliseconds(); got != want {
			t.Errorf("after attempt %d: %d ms, want %d", attempt, got, want)
		}
	}
	if got := b.After(1 << 20); got != b.Max {
		t.Errorf("after very many attempts: %v, want %v", got, b.Max)
	}
}

func TestDeliverRepeatsUntilTheHandlerSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin, attempts, reported := time.Now(), 0, 0
		handle := func(context.Context, []eventlog.Record) error {
			if attempts++; attempts < 4 {
				return errHandler
			}
			return nil
		}
		report := func(attempt int, err error) {
			if attempt != reported || !errors.Is(err, errHandler) {
				t.Errorf("attempt %d is reported as %d, %v", reported, attempt, err)
			}
			reported++
		}
		b := eventlog.Backoff{Min: time.Second, Max: 2 * time.Second}
		if err := eventlog.Deliver(t.Context(), handle, nil, b, report); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 5*time.Second || reported != 3 {
			t.Errorf("took %v with %d reports, want 1+2+2 s and 3", took, reported)
		}
	})
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		attempts := 0
		handle := func(context.Context, []eventlog.Record) error { attempts++; return errHandler }
		err := eventlog.Deliver(ctx, handle, nil, eventlog.Backoff{Min: time.Hour, Max: time.Hour}, func(int, error) {})
		if !errors.Is(err, context.DeadlineExceeded) || attempts != 2 {
			t.Errorf("got %v after %d attempts, want the context's error after 2", err, attempts)
		}
	})
}

func TestASuccessCountsAfterTheContextEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	handle := func(context.Context, []eventlog.Record) error { cancel(); return nil }
	if err := eventlog.Deliver(ctx, handle, nil, eventlog.Backoff{}, nil); err != nil {
		t.Errorf("got %v: what was done is done", err)
	}
	if err := eventlog.Deliver(ctx, handle, nil, eventlog.Backoff{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v: an ended context starts nothing", err)
	}
}
