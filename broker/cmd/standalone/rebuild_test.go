package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/deadletter"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/reconciliation"
)

// reconcile compares, or repairs with a reason, and returns the report of the end.
func (h *house) reconcile(reason string) reconciliation.Report {
	h.tb.Helper()
	operator := h.as("operator-bayern")
	body := client.StartReconciliationJSONRequestBody{}
	if reason != "" {
		repair := true
		body.Repair, body.Reason = &repair, &reason
	}
	started, err := operator.StartReconciliationWithResponse(h.tb.Context(), body)
	if err != nil {
		h.tb.Fatal(err)
	}
	run, err := client.Value(started, started.JSON201)
	if err != nil {
		h.tb.Fatal(err)
	}
	wait := 20
	for repeats := 0; run.State == reconciliation.Running; {
		after := run.Revision
		got, err := operator.GetReconciliationWithResponse(h.tb.Context(), mustUUID(h.tb, run.ID), &client.GetReconciliationParams{AfterRevision: &after, WaitSeconds: &wait})
		if busy := err != nil && contracts.KindOf(err) == contracts.Unavailable; busy && repeats < 20 {
			repeats++
			continue
		}
		if err != nil {
			h.tb.Fatal(err)
		}
		if run, err = client.Value(got, got.JSON200); err != nil {
			h.tb.Fatal(err)
		}
	}
	if run.State != reconciliation.Done || run.Actor != "operator-bayern" || run.Reason != reason {
		h.tb.Fatalf("reconciliation %+v", run)
	}
	return run.Report
}

// until compares until enough says so; what it waits for happens by itself.
func (h *house) until(what string, enough func(reconciliation.Report) bool) reconciliation.Report {
	h.tb.Helper()
	var last reconciliation.Report
	for range 200 {
		if last = h.reconcile(""); enough(last) {
			return last
		}
	}
	h.tb.Fatalf("waited in vain for: %s; %+v", what, last)
	return last
}

// lose deletes directories of engines, as a disk does.
func lose(t *testing.T, dir string, engines ...string) {
	t.Helper()
	for _, name := range engines {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("nothing to lose: %v", err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestACaseContinuesWhenItsEnginesAreEmptied kills the broker twice in mid-case and deletes the data of the process engine,
// of the event log, or of both; the case ends complete, each effect once, and nobody had to do anything.
func TestACaseContinuesWhenItsEnginesAreEmptied(t *testing.T) {
	t.Parallel()
	for name, engines := range map[string][]string{"temporal": {"temporal"}, "kafka": {"kafka"}, "both": {"temporal", "kafka"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := spawn(t, dir, "none")
			pkg := packageOf(t, registration)
			caseID := p.submit(example(t, pkg, exampleNames(pkg)[0]))
			p.events(caseID, func(e []event.Recorded) bool { return len(e) >= 2 })
			p.kill()
			lose(t, dir, engines...)
			p = spawn(t, dir, "all")
			before := p.events(caseID, func(e []event.Recorded) bool { return len(e) >= 8 })
			p.kill()
			if courseOf(t, before).closed {
				t.Fatal("the case was closed, so nothing was interrupted")
			}
			lose(t, dir, engines...)
			p = spawn(t, dir, "all")
			first := p.whole(caseID)
			second := p.whole(first.second)
			wantOnce(t, first, 12, 2)
			wantOnce(t, second, 13, 0)
			p.verified()
		})
	}
}

// TestTheOperatorRebuildsEmptyEnginesFromTheLedger loses both engines at rest, after a start with a process engine of
// another version was refused. The comparison says what is missing and changes nothing, the repair publishes it again, and
// no effect is repeated.
func TestTheOperatorRebuildsEmptyEnginesFromTheLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	pkg := packageOf(t, registration)
	waiting := h.submit(example(t, pkg, exampleNames(pkg)[1]))
	h.events(waiting, func(e []event.Recorded) bool { return len(e) >= 2 }) // its task is assigned, nobody answers yet
	h.until("the case to wait for its task", func(r reconciliation.Report) bool { return r.Consistent && r.Engine.Running == 1 && r.Log.Behind == 0 })
	before := h.verified()
	h.stop()

	version := filepath.Join(dir, "temporal", "version")
	if err := os.WriteFile(version, []byte("0.1.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := start(t.Context(), options(dir), slog.New(slog.DiscardHandler)); contracts.KindOf(err) != contracts.Conflict || !strings.Contains(err.Error(), "rebuild") {
		t.Fatalf("a process engine of another version: %v", err)
	}
	lose(t, dir, "temporal", "kafka")

	h = open(t, dir)
	found := h.until("the sweep", func(r reconciliation.Report) bool { return r.Engine.Running == 1 })
	if found.Consistent || found.Log.Lost != before.Receipts || found.Log.Records != 0 || found.Log.Republished != 0 || len(found.Findings) != 1 {
		t.Errorf("comparison %+v", found)
	}
	if again := h.reconcile(""); again.Log.Lost != before.Receipts || again.Log.Records != 0 {
		t.Errorf("the comparison changed something: %+v", again)
	}
	if repaired := h.reconcile("the disk of the event log was replaced"); !repaired.Consistent || repaired.Log.Republished != before.Receipts {
		t.Errorf("repair %+v", repaired)
	}
	whole := h.until("the log to be whole", func(r reconciliation.Report) bool { return r.Consistent && r.Log.Behind == 0 })
	if whole.Log.Records != before.Receipts || h.verified().Receipts != before.Receipts {
		t.Errorf("after the repair %+v", whole)
	}
	h.play(offices.Config{})
	first := h.whole(waiting)
	wantOnce(t, first, 12, 2)
	h.whole(first.second)
}

// TestWhatWasPublishedAndNotHandedOverComesAgain loses the event log, or its tail, in the moment between the relay and
// delivery, which is made by taking back what delivery has done. No new event comes.
func TestWhatWasPublishedAndNotHandedOverComesAgain(t *testing.T) {
	t.Parallel()
	for what, happens := range map[string]func(*testing.T, string){
		"directory": loseLog,
		"tail":      cutTail,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			publishedAndLost(t, happens)
		})
	}
}

func loseLog(t *testing.T, dir string) {
	t.Helper()
	lose(t, dir, "kafka")
}

// cutTail takes the second half of every file of records.
func cutTail(t *testing.T, dir string) {
	t.Helper()
	cut := 0
	for path, raw := range files(t, filepath.Join(dir, "kafka", "partitions")) {
		if filepath.Ext(path) != ".dat" || len(raw) == 0 {
			continue
		}
		if err := os.Truncate(path, int64(len(raw)/2)); err != nil {
			t.Fatal(err)
		}
		cut++
	}
	if cut == 0 {
		t.Fatal("no file of records was found")
	}
}

func publishedAndLost(t *testing.T, happens func(*testing.T, string)) {
	t.Helper()
	dir := t.TempDir()
	h := open(t, dir)
	pkg := packageOf(t, registration)
	h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.until("the task to be handed over", func(r reconciliation.Report) bool {
		return r.Ledger.Events == 2 && r.Ledger.Unpublished == 0 && r.Consistent && r.Log.Behind == 0
	})
	h.stop()
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(dir, "ledger.db")})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		for _, undo := range []string{`delete from deliveries`, `delete from inbox_counters`, `delete from consumer_positions where consumer = 'efa.delivery'`} {
			if _, err := tx.Exec(t.Context(), undo); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	happens(t, dir)
	h = open(t, dir)
	if n := len(h.inboxOf("gewerbeamt-muenchen")); n != 1 {
		t.Errorf("%d items in the inbox", n)
	}
}

// TestAReplayRepeatsNothingButRecords publishes every event again after two whole cases.
func TestAReplayRepeatsNothingButRecords(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	received := h.play(offices.Config{})
	pkg := packageOf(t, registration)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	first := h.whole(caseID)
	h.whole(first.second)
	before := h.until("everything to be handed over", func(r reconciliation.Report) bool {
		return r.Consistent && r.Log.Behind == 0 && r.Ledger.Unpublished == 0
	})
	inbox, disclosures, obtained := len(h.inboxOf("ihk-muenchen")), len(h.disclosures(caseID)), len(files(t, received))

	answer, err := h.as("operator-bayern").ReplayOutboxWithResponse(t.Context(), client.ReplayOutboxJSONRequestBody{Reason: "a test of the replay"})
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := client.Value(answer, answer.JSON201)
	if err != nil || replayed.Events != before.Ledger.Events {
		t.Fatalf("replayed %+v of %d events, %v", replayed, before.Ledger.Events, err)
	}
	after := h.until("all records to be there twice", func(r reconciliation.Report) bool {
		return r.Log.Records == 2*before.Log.Records && r.Log.Behind == 0 && r.Ledger.Unpublished == 0
	})
	if after.Ledger != before.Ledger || after.Log.Foreign != 0 || !after.Consistent {
		t.Errorf("before %+v, after %+v", before.Ledger, after)
	}
	if i, d, o := len(h.inboxOf("ihk-muenchen")), len(h.disclosures(caseID)), len(files(t, received)); i != inbox || d != disclosures || o != obtained {
		t.Errorf("inbox %d → %d, disclosures %d → %d, obtained %d → %d", inbox, i, disclosures, d, obtained, o)
	}
	if _, err := h.as("portal-bayern").ReplayOutboxWithResponse(t.Context(), client.ReplayOutboxJSONRequestBody{Reason: "out of curiosity"}); err == nil || contracts.KindOf(err) != contracts.Denied {
		t.Errorf("a portal replays: %v", err)
	}
}

// inboxOf reads the inbox of an authority from its start; when it is empty it waits for the first item.
func (h *house) inboxOf(id string) []delivery.Item {
	h.tb.Helper()
	items, _ := h.inbox(id, "")
	return items
}

// TestPoisonInTheEventLogIsPutAsideAndOthersGoOn lets somebody who may not write to efa.cases write there: garbage, another
// version, and a forged event of a real case, into every partition.
func TestPoisonInTheEventLogIsPutAsideAndOthersGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	pkg := packageOf(t, registration)
	victim := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	recorded := h.events(victim, func(e []event.Recorded) bool { return len(e) >= 1 })[0]
	forged, err := eventlog.Encode(recorded)
	if err != nil {
		t.Fatal(err)
	}
	forged.Value = bytes.Replace(forged.Value, []byte(`"lead_authority":"gewerbeamt-muenchen"`), []byte(`"lead_authority":"gewerbeamt-nuernberg"`), 1)
	if bytes.Equal(forged.Value, []byte(recorded.Data)) {
		t.Fatal("nothing was forged")
	}
	records := []eventlog.Record{forged}
	for i := range 12 { // into all partitions
		key := string(rune('a' + i))
		records = append(records,
			eventlog.Record{Topic: event.Topic, Key: key, Value: []byte("POISON-GARBAGE")},
			eventlog.Record{Topic: event.Topic, Key: key, Value: []byte("POISON-VERSION"), Headers: []eventlog.Header{
				{Key: "ce_specversion", Value: []byte("7.0")}, {Key: "ce_id", Value: []byte("POISON-ID")}, {Key: "ce_source", Value: []byte("POISON-SOURCE")},
			}})
	}
	log, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.program.kafkaAddr}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Publish(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	h.play(offices.Config{})
	first := h.whole(victim)
	wantOnce(t, first, 12, 2)
	h.whole(first.second)
	h.whole(h.submit(example(t, pkg, exampleNames(pkg)[1])))
	h.until("every record to be read", func(r reconciliation.Report) bool {
		return r.Consistent && r.Log.Behind == 0 && r.Log.Undecodable == 24 && r.Ledger.Stopped == 0
	})

	refused := deadletter.Refused
	state, limit := client.ListDeadLettersParamsState(refused), 500
	answer, err := h.as("operator-bayern").ListDeadLettersWithResponse(t.Context(), &client.ListDeadLettersParams{State: &state, Limit: &limit})
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Value(answer, answer.JSON200)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[deadletter.Reason]int{}
	for _, l := range page.Letters {
		reasons[l.Reason]++
	}
	if len(page.Letters) != 25 || reasons[deadletter.UnknownVersion]+reasons[deadletter.Undecodable] != 24 || reasons[deadletter.DiffersFromLedger] != 1 {
		t.Errorf("letters %v", reasons)
	}
	_, err = h.as("operator-bayern").ResendDeadLetterWithResponse(t.Context(), mustUUID(t, page.Letters[0].ID), client.ResendDeadLetterJSONRequestBody{Reason: "send it anyway"})
	if err == nil || contracts.KindOf(err) != contracts.Conflict {
		t.Errorf("resend of a foreign record: %v", err)
	}
	for path, raw := range files(t, dir) {
		if bytes.Contains(raw, []byte("POISON")) && !strings.Contains(path, "kafka") {
			t.Errorf("bytes of a foreign record stand in %s", path)
		}
	}
	if bytes.Contains(h.log.Bytes(), []byte("POISON")) {
		t.Error("bytes of a foreign record stand in the log")
	}
}
