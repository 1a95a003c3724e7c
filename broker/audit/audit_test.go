package audit_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/audit"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
)

func setup(t *testing.T, cfg audit.Config) (*audit.Log, *sqlstore.DB) {
	t.Helper()
	db := sqlstoretest.Open(t)
	cfg.DB, cfg.Operator = db, "bayern"
	log, err := audit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return log, db
}

func count(t *testing.T, db *sqlstore.DB) int {
	t.Helper()
	var n int
	if err := db.Read().QueryRowContext(t.Context(), `select count(*) from audit_lines`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestALineIsDurableWhenRefusedReturns(t *testing.T) {
	t.Parallel()
	log, db := setup(t, audit.Config{})
	want := audit.Line{Principal: "portal-bayern", Operation: "listCases", Kind: "denied", ErrorID: "e1"}
	if err := log.Refused(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	var got audit.Line
	var operator, id string
	var at time.Time
	if err := db.Read().QueryRowContext(t.Context(), `select id, operator, at, principal, operation, kind, error_id from audit_lines`).
		Scan(&id, &operator, &at, &got.Principal, &got.Operation, &got.Kind, &got.ErrorID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || operator != "bayern" || id == "" || at.IsZero() {
		t.Errorf("id %q, operator %q, at %v, (-want +got):\n%s", id, operator, at, diff)
	}
}

func TestAFloodIsRecordedWholly(t *testing.T) {
	t.Parallel()
	log, db := setup(t, audit.Config{Timeout: time.Minute})
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			if err := log.Refused(t.Context(), audit.Line{Operation: "listCases", Kind: "unauthenticated", ErrorID: strconv.Itoa(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db); n != 500 {
		t.Errorf("%d lines", n)
	}
}

func TestACallerWhoGoesAwayIsRecordedNevertheless(t *testing.T) {
	t.Parallel()
	log, db := setup(t, audit.Config{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Refused(gone, audit.Line{Operation: "listCases", Kind: "denied", ErrorID: "e"}); err != nil {
		t.Error(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// hold lets nobody else write audit lines until release is called.
func hold(t *testing.T, db *sqlstore.DB) (release func()) {
	t.Helper()
	lock := `select 1` // the writing transaction is the lock
	if sqlstoretest.Postgres() {
		lock = `lock table audit_lines in share row exclusive mode`
	}
	held, let, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- db.Write(context.WithoutCancel(t.Context()), func(tx *sqlstore.Tx) error {
			_, err := tx.Exec(t.Context(), lock)
			close(held)
			<-let
			return err
		})
	}()
	<-held
	return func() {
		close(let)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestALineThatIsNotDurableInTimeIsUnavailableAndTheLogHeals(t *testing.T) {
	t.Parallel()
	log, db := setup(t, audit.Config{Timeout: 10 * time.Millisecond})
	release := hold(t, db)
	for range 3 {
		if err := log.Refused(t.Context(), audit.Line{Kind: "denied", ErrorID: "e"}); contracts.KindOf(err) != contracts.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
	release()
	for log.Refused(t.Context(), audit.Line{Kind: "denied", ErrorID: "after"}) != nil {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.Read().QueryRowContext(t.Context(), `select count(*) from audit_lines where error_id = 'after'`).Scan(&n); err != nil || n == 0 {
		t.Errorf("%d lines, %v", n, err)
	}
}

// With room for one waiting line, at most two of five are in hand (one is written, one waits); the others are told at
// once, and exactly the accepted ones are recorded.
func TestBeyondTheBoundALineIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	log, db := setup(t, audit.Config{Timeout: time.Minute, MaxWaiting: 1})
	release := hold(t, db)
	answers := make(chan error, 5)
	for range cap(answers) {
		go func() { answers <- log.Refused(t.Context(), audit.Line{Kind: "denied", ErrorID: "e"}) }()
	}
	for range 3 {
		if err := <-answers; contracts.KindOf(err) != contracts.Unavailable {
			t.Errorf("got %v", err)
		}
	}
	release()
	accepted := 0
	for range 2 {
		if <-answers == nil {
			accepted++
		}
	}
	if n := count(t, db); n != accepted || n == 0 {
		t.Errorf("%d lines, %d accepted", n, accepted)
	}
}

func TestAnIncompleteConfigIsInvalid(t *testing.T) {
	t.Parallel()
	if _, err := audit.New(audit.Config{}); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v", err)
	}
}
