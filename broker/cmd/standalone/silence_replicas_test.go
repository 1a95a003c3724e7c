package main

import (
	"context"
	"database/sql"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/openid"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// twins are two replicas on one ledger: the house, which also runs the processes, and one that only serves.
type twins struct {
	*house
	other *client.ClientWithResponses // the trade office, at the second replica
	db    *sql.DB                     // the ledger, seen from outside
}

// openTwins starts both under a period for every task.
func openTwins(t *testing.T, period func() time.Duration) *twins {
	t.Helper()
	var shared assembly.Config
	h := under(t, nil, func(c *assembly.Config) {
		c.LedgerURL, c.KeysURL = sqlstoretest.Place(t).URL, sqlstoretest.KeyDatabase(t)
		c.Due = func(_ law.DeadlineRecord, start time.Time) *time.Time {
			due := start.Add(period())
			return &due
		}
		shared = *c
	})
	db, err := sql.Open("pgx", shared.LedgerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	credentials, err := h.program.credentials(holders["deemed"])
	if err != nil {
		t.Fatal(err)
	}
	other, err := client.Open(client.Config{API: h.replica(shared), Issuer: h.program.issuer, Credentials: credentials})
	if err != nil {
		t.Fatal(err)
	}
	return &twins{house: h, other: other, db: db}
}

// replica starts a further broker on the same stores and engines, and returns where it listens.
func (h *house) replica(cfg assembly.Config) (api string) {
	h.tb.Helper()
	ctx := context.WithoutCancel(h.tb.Context())
	events, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.program.kafkaAddr}, SenderTime: true, Logger: h.program.log})
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() { _ = events.Close() })
	b, err := assembly.Open(ctx, cfg)
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() {
		if err := b.Stop(ctx); err != nil {
			h.tb.Error(err)
		}
	})
	if err := b.Admit(ctx, assembly.Gate{Issuer: h.program.issuer, Audience: openid.Audience, JWKSURL: h.program.issuer + "/jwks"}); err != nil {
		h.tb.Fatal(err)
	}
	if err := b.StartServing(ctx, assembly.Engines{Events: events, Temporal: h.program.temporalAddr}); err != nil {
		h.tb.Fatal(err)
	}
	handler, err := b.Handler(ctx)
	if err != nil {
		h.tb.Fatal(err)
	}
	server := httpserver.New(httpserver.ServerConfig{Address: "127.0.0.1:0", Handler: handler, Logger: h.program.log})
	if err := server.Start(ctx); err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() {
		if err := server.Stop(ctx); err != nil {
			h.tb.Error(err)
		}
	})
	return "http://" + server.Addr()
}

// until waits until a query says yes.
func (w *twins) until(what, query string, args ...any) {
	w.tb.Helper()
	late := time.After(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !w.so(query, args...) {
		select {
		case <-tick.C:
		case <-late:
			w.tb.Fatalf("gave up waiting for %s", what)
		}
	}
}

func (w *twins) so(query string, args ...any) (yes bool) {
	w.tb.Helper()
	if err := w.db.QueryRowContext(w.tb.Context(), query, args...).Scan(&yes); err != nil {
		w.tb.Fatal(err)
	}
	return yes
}

// heldUp answers a task at the second replica shortly before it is due, and keeps the answer from being recorded until the
// other replica is past the due instant. It reports false when this machine was too slow for that.
func (w *twins) heldUp(caseID, task string, due time.Time) bool {
	w.tb.Helper()
	w.until("the last moment", `select clock_timestamp() > $1`, due.Add(-800*time.Millisecond))
	tx, err := w.db.BeginTx(w.tb.Context(), nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(w.tb.Context(), `select 1 from cases where id = $1 for update`, caseID); err != nil {
		w.tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		answer, err := w.other.CompleteTaskWithResponse(w.tb.Context(), task, client.Outcome{Outcome: "objected"})
		if err == nil {
			_, err = client.Value(answer, answer.JSON200)
		}
		ended <- err
	}()
	w.until("the answer to wait for its case", `select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`)
	inTime := w.so(`select clock_timestamp() < $1`, due)
	if inTime {
		// Each row shows by its lease, of six seconds, when it was published.
		w.until("both replicas to publish after the due instant", `select clock_timestamp() > $1::timestamptz + interval '1200 ms'
			and (select count(*) = 2 from watermarks where expires_at > $1::timestamptz + interval '6 s')`, due)
		if !w.so(`select count(*) = 1 from watermarks where watermark <= $1`, due) {
			w.tb.Error("the replica that has the answer in hand does not hold deadlines up, or the other one does too")
		}
		if w.so(`select exists (select 1 from events where type = $1)`, event.TypeTaskExpired) {
			w.tb.Error("a deadline passed although an answer of before was in hand")
		}
	}
	if err := tx.Rollback(); err != nil {
		w.tb.Fatal(err)
	}
	if err := <-ended; inTime && err != nil {
		w.tb.Errorf("an answer in time is refused: %v", err)
	}
	return inTime
}

// TestSilenceOnPostgreSQLWithTwoReplicas lets one replica receive an answer in time and record it only when the other one, which
// runs the process, is past the due instant. All deadlines wait for it, its own loses, and what is received after that loses.
func TestSilenceOnPostgreSQLWithTwoReplicas(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	var period atomic.Int64
	w := openTwins(t, func() time.Duration { return time.Duration(period.Load()) * time.Second })
	for _, seconds := range []int64{6, 15, 40} {
		period.Store(seconds)
		answered, tasks, due := w.file()
		silent, others, _ := w.file()
		if !w.heldUp(answered.CaseId, tasks["deemed"], due) {
			t.Logf("%d seconds were too short for this machine", seconds)
			w.quiet(answered.CaseId, tasks)
			w.quiet(silent.CaseId, others)
			continue
		}
		w.decided(answered.CaseId, tasks, due)
		w.quiet(silent.CaseId, others)
		late, err := w.other.CompleteTaskWithResponse(t.Context(), others["deemed"], client.Outcome{Outcome: "objected"})
		if err == nil {
			_, err = client.Value(late, late.JSON200)
		}
		if contracts.KindOf(err) != contracts.Conflict || err == nil {
			t.Errorf("an objection after silence was deemed a yes: %v", err)
		}
		w.verified()
		return
	}
	t.Fatal("this machine is too slow")
}

// decided wants that the answer won and the silence of the others counted.
func (w *twins) decided(caseID string, tasks map[string]string, due time.Time) {
	w.tb.Helper()
	if err := w.say("nothing", tasks["nothing"], "agreed"); err != nil {
		w.tb.Fatal(err)
	}
	events := w.events(caseID, closed)
	got := map[string]bool{}
	for _, s := range silences(w.tb, events) {
		got[s] = true
	}
	delete(got, "overdue nothing") // it may have been told before the answer
	if diff := cmp.Diff(map[string]bool{"completed deemed": true, "completed nothing": true, "expired disregardable": true}, got); diff != "" {
		w.tb.Errorf("one objected in time: %s", diff)
	}
	for _, e := range events {
		if e.Type == event.TypeTaskCompleted && decode[event.TaskCompleted](w.tb, e).Step == "deemed" && e.Time.After(due) {
			w.tb.Errorf("received at %s, due %s", e.Time, due)
		}
	}
}

// quiet waits until silence has spoken in a case, and lets the last office answer.
func (w *twins) quiet(caseID string, tasks map[string]string) {
	w.tb.Helper()
	w.events(caseID, func(all []event.Recorded) bool {
		return count(all, event.TypeTaskExpired)+count(all, event.TypeTaskCompleted) == 2
	})
	if err := w.say("nothing", tasks["nothing"], "agreed"); err != nil {
		w.tb.Fatal(err)
	}
	w.events(caseID, closed)
}
