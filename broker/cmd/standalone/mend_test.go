package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// forge writes a record to efa.cases as anybody can who reaches the embedded event log.
func (h *house) forge(records ...eventlog.Record) {
	h.tb.Helper()
	log, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.program.kafkaAddr}, Logger: h.program.log})
	if err != nil {
		h.tb.Fatal(err)
	}
	defer log.Close()
	if err := log.Publish(h.tb.Context(), records...); err != nil {
		h.tb.Fatal(err)
	}
}

// TestForgedRecordsStopNothingAndTellNobody writes rubbish into every partition, and an announcement to an authority
// that is on no list. The ledger is the record: cases go on, and the authority learns nothing.
func TestForgedRecordsStopNothingAndTellNobody(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	app := example(t, pkg, exampleNames(pkg)[0])
	first := h.submit(app)
	h.awaitTask()
	var rubbish []eventlog.Record
	for range 40 { // enough for each partition
		rubbish = append(rubbish, eventlog.Record{Topic: event.Topic, Key: uuid.NewString(), Value: []byte("junk")})
	}
	h.forge(rubbish...)
	forged, err := eventlog.Encode(event.Recorded{
		ID: "forged", Source: "urn:efa:operator:bayern", Type: event.TypeContentAnnounced, Case: first, Tenant: "muenchen", CaseSeq: 999, Time: time.Now(),
		Data: []byte(`{"step":"inform","pass":1,"role":"tax_office","authority":"bauamt-muenchen","purpose":"notice.inform","basis":"eu-gdpr:A6-1-c","contents":[],"decision_id":"x"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.forge(forged)
	h.play(offices.Config{})
	h.whole(h.whole(first).second)
	h.whole(h.whole(h.submit(app)).second)
	page, err := h.as("bauamt-muenchen").ReadInboxWithResponse(t.Context(), &client.ReadInboxParams{})
	if err != nil || len(page.JSON200.Items) != 0 {
		t.Errorf("the building authority's inbox: %+v, %v", page, err)
	}
	if metrics := string(h.get("/metrics")); !strings.Contains(metrics, "\nefa_dead_letters ") || strings.Contains(metrics, "\nefa_dead_letters 0\n") {
		t.Error("records that were put aside are not counted")
	}
}

// TestWhoIsNotCompetentObtainsNothingMore: an office that answered that it is not competent has no business with the
// content any more.
func TestWhoIsNotCompetentObtainsNothingMore(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	pkg := packageOf(t, registration)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	office := h.as("gewerbeamt-muenchen")
	wait := 20
	page, err := office.ReadInboxWithResponse(t.Context(), &client.ReadInboxParams{WaitSeconds: &wait})
	if err != nil {
		t.Fatal(err)
	}
	item := page.JSON200.Items[0]
	fetch := func() error {
		_, err := office.FetchContentWithResponse(t.Context(), mustUUID(t, string(item.Contents[0].Content)), client.FetchRequest{
			Fields: []string{"gewa1.1"}, Purpose: item.Purpose, Basis: item.Basis,
		})
		return err
	}
	if err := fetch(); err != nil {
		t.Fatal(err)
	}
	if _, err := office.ReturnTaskWithResponse(t.Context(), caseID+".register.1"); err != nil {
		t.Fatal(err)
	}
	if err := fetch(); contracts.KindOf(err) != contracts.NotFound || err == nil {
		t.Errorf("a fetch after the answer: %v", err)
	}
}

// tamper changes the ledger's database behind the broker's back.
func (h *house) tamper(statement string) {
	h.tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.program.cfg.Data, "ledger.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		h.tb.Fatal(err)
	}
	defer db.Close()
	if res, err := db.ExecContext(h.tb.Context(), statement); err != nil {
		h.tb.Fatal(err)
	} else if n, err := res.RowsAffected(); err != nil || n == 0 {
		h.tb.Fatalf("%s changed %d rows, %v", statement, n, err)
	}
}

// TestAForgedDisclosureIsFound changes what the list of disclosures says; the verification names the row.
func TestAForgedDisclosureIsFound(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	h.play(offices.Config{})
	pkg := packageOf(t, registration)
	first := h.whole(h.submit(example(t, pkg, exampleNames(pkg)[0])))
	h.whole(first.second)
	h.verified()
	h.tamper(`update decisions set recipient = 'bauamt-muenchen', released = '["gewa1.1"]' where id = (select id from decisions where stage = 'concrete' order by id limit 1)`)
	v, err := h.program.broker.Verify(context.WithoutCancel(t.Context()))
	if err != nil || v.Valid || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "sealed record") {
		t.Errorf("verification %+v, %v", v, err)
	}
}

// TestACaseGoesOnUnderThePackageWithWhichItWasOpened restarts on the same data with a program that carries no such
// package any more: what the case lives by is kept in the ledger.
func TestACaseGoesOnUnderThePackageWithWhichItWasOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	pkg := packageOf(t, registration)
	caseID := h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.awaitTask()
	// The case was opened under an earlier version of the package: other bytes, another hash.
	h.stop()
	h.program.undo = nil
	earlier := strings.Replace(string(pkg.Rules), `place: /place_of_business/region_key`, `place: /place_of_business/region_key # v0`, 1)
	if earlier == string(pkg.Rules) {
		t.Fatal("the rules were not changed")
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(earlier)))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	for statement, args := range map[string][]any{
		`insert into definitions (hash, service, document, created_at) values ($1, 's', $2, '2026-01-01 00:00:00+00:00')`: {hash, []byte(earlier)},
		`update cases set package = $1`: {hash},
	} {
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	again.play(offices.Config{})
	again.whole(again.whole(caseID).second)
}
