package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/backup"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/delivery"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// contentOf is the id of the application that opened a case.
func contentOf(t *testing.T, events []event.Recorded) content.ID {
	t.Helper()
	return decode[event.CaseSubmitted](t, events[0]).Contents[0].Content
}

// inbox reads what stands behind a cursor, waiting for something, and returns it with the cursor behind it.
func (h *house) inbox(id, after string) ([]delivery.Item, string) {
	h.tb.Helper()
	wait := 20
	params := &client.ReadInboxParams{WaitSeconds: &wait}
	if after != "" {
		params.After = &after
	}
	answer, err := h.as(id).ReadInboxWithResponse(h.tb.Context(), params)
	if err != nil {
		h.tb.Fatal(err)
	}
	page, err := client.Value(answer, answer.JSON200)
	if err != nil {
		h.tb.Fatal(err)
	}
	return page.Items, page.Next
}

// readUpTo reads an inbox until an item of the case comes and returns the cursor behind it.
func (h *house) readUpTo(id, caseID string) (cursor string) {
	h.tb.Helper()
	for {
		items, next := h.inbox(id, cursor)
		if len(items) == 0 {
			h.tb.Fatalf("nothing of case %s arrived at %s", caseID, id)
		}
		cursor = next
		if slices.ContainsFunc(items, func(i delivery.Item) bool { return i.Case == caseID }) {
			return cursor
		}
	}
}

func (h *house) erase(caseID string) client.Erasure {
	h.tb.Helper()
	answer, err := h.as("operator-bayern").EraseCaseWithResponse(h.tb.Context(), mustUUID(h.tb, caseID), client.EraseCaseJSONRequestBody{Reason: "erasure_requested"})
	if err != nil {
		h.tb.Fatal(err)
	}
	erased, err := client.Value(answer, answer.JSON200)
	if err != nil {
		h.tb.Fatal(err)
	}
	return erased
}

// wantErased checks that the case is shown as erased and that its application is unknown to whoever may fetch it.
func (h *house) wantErased(caseID string, application content.ID) {
	h.tb.Helper()
	got, err := h.as("operator-bayern").GetCaseWithResponse(h.tb.Context(), mustUUID(h.tb, caseID))
	if err != nil || got.JSON200 == nil || got.JSON200.ErasedAt == nil {
		h.tb.Errorf("case %s is not shown as erased: %v", caseID, err)
	}
	for _, id := range []content.ID{application, "00000000-0000-4000-8000-000000000000"} { // the same answer as for what never was
		_, err := h.as("finanzamt-muenchen").FetchContentWithResponse(h.tb.Context(), mustUUID(h.tb, string(id)), ask("gewa1.1"))
		if err == nil || contracts.KindOf(err) != contracts.NotFound {
			h.tb.Errorf("fetch of %s: %v", id, err)
		}
	}
}

// textsOf lists the longer texts of an application, which are found nowhere by chance.
func textsOf(value any) (out []string) {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			out = append(out, textsOf(member)...)
		}
	case []any:
		for _, element := range v {
			out = append(out, textsOf(element)...)
		}
	case string:
		if len(v) > 8 && strings.ContainsFunc(v, unicode.IsUpper) {
			out = append(out, v)
		}
	}
	return out
}

// copyTo copies what lies in a data directory as it lies there.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestARestoreGoesOnWithoutKafkaAndTemporal erases a case after the backup, loses ledger, event log and process engine,
// and restores: the erased case stays erased, the open case goes on with each effect once, an old cursor misses nothing.
func TestARestoreGoesOnWithoutKafkaAndTemporal(t *testing.T) {
	t.Parallel()
	dir, saved := t.TempDir(), t.TempDir()
	pkg := packageOf(t, registration)
	app := example(t, pkg, exampleNames(pkg)[0])
	p := spawn(t, dir, "all")
	gone := p.whole(p.submit(app))
	p.whole(gone.second)
	application := contentOf(t, gone.events)
	p.kill()

	p = spawn(t, dir, "none")
	open := p.submit(example(t, pkg, exampleNames(pkg)[1]))
	p.readUpTo("gewerbeamt-muenchen", open)
	if err := backup.Ledger(t.Context(), dir, filepath.Join(saved, "ledger")); err != nil { // while the broker runs
		t.Fatal(err)
	}
	lost := p.submit(example(t, pkg, exampleNames(pkg)[2]))
	cursor := p.readUpTo("gewerbeamt-muenchen", lost)
	before := filepath.Join(saved, "everything")
	copyTo(t, dir, before)
	p.erase(gone.events[0].Case)
	p.wantErased(gone.events[0].Case, application)
	if _, err := backup.Restore(t.Context(), backup.Config{Data: dir, From: filepath.Join(saved, "ledger")}); err == nil {
		t.Fatal("restored under a running broker")
	}
	p.kill()

	wantOpensNothing(t, before, dir, application)
	for _, engine := range []string{"kafka", "temporal"} {
		scan(t, textsOf(app), files(t, filepath.Join(before, engine)))
	}
	r, err := backup.Restore(t.Context(), backup.Config{Data: dir, From: filepath.Join(saved, "ledger")})
	if err != nil || r.Open != 1 || r.Cases != 3 {
		t.Fatalf("restored %+v, %v", r, err)
	}
	p = spawn(t, dir, "none")
	p.wantErased(gone.events[0].Case, application)
	if items, _ := p.inbox("gewerbeamt-muenchen", cursor); len(items) != 1 || items[0].Case != open {
		t.Errorf("behind a cursor from before the restore stand %+v, want the task of the open case", items)
	}
	p.kill()
	p = spawn(t, dir, "all")
	first := p.whole(open)
	tasks := 0
	for _, e := range first.events {
		if e.Type == event.TypeTaskAssigned {
			tasks++
		}
	}
	wantOnce(t, first, len(first.announced), tasks)
	p.verified()
	erased := p.events(gone.events[0].Case, func(e []event.Recorded) bool { return len(e) > len(gone.events) })
	if last := erased[len(erased)-1]; last.Type != event.TypeCaseErased {
		t.Errorf("the last event of the erased case is %s", last.Type)
	}
}

// wantOpensNothing tries the vault on everything from before with the tenant keys of now, and shows that the attempt is
// real: with the destroyed tenant key it opens.
func wantOpensNothing(t *testing.T, before, now string, application content.ID) {
	t.Helper()
	opens := func(ledgerDir, keys, tenants string) error {
		dir := t.TempDir()
		copyTo(t, tenants, filepath.Join(dir, "keystore", "tenants"))
		for from, to := range map[string]string{filepath.Join(ledgerDir, "ledger.db"): "ledger.db", keys: "keystore/keys.db"} {
			if err := sqlstore.Copy(t.Context(), from, filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
		db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(dir, "ledger.db")})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		v, err := vault.New(t.Context(), vault.Config{Ledger: db, Dir: filepath.Join(dir, "keystore")})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		_, err = v.Load(t.Context(), application)
		return err
	}
	oldTenants, newTenants := filepath.Join(before, "keystore/tenants"), filepath.Join(now, "keystore/tenants")
	for _, ledgerDir := range []string{before, now} {
		for _, keys := range []string{filepath.Join(before, "keystore/keys.db"), filepath.Join(now, "keystore/keys.db"), filepath.Join(now, "keystore/backup/keys.db")} {
			if err := opens(ledgerDir, keys, newTenants); err == nil {
				t.Errorf("ledger of %s with keys of %s opens the erased application", ledgerDir, keys)
			}
		}
	}
	if err := opens(before, filepath.Join(before, "keystore/keys.db"), oldTenants); err != nil {
		t.Errorf("the destroyed tenant key opens nothing either, so the attempts prove nothing: %v", err)
	}
}

// TestARestoreGoesOnWithAnOlderProcessEngine restores a ledger over a process engine that is older than the backup: it
// knows the case and not what happened to it since.
func TestARestoreGoesOnWithAnOlderProcessEngine(t *testing.T) {
	t.Parallel()
	dir, saved := t.TempDir(), t.TempDir()
	pkg := packageOf(t, registration)
	p := spawn(t, dir, "none")
	caseID := p.submit(example(t, pkg, exampleNames(pkg)[0]))
	p.awaitTask()
	p.kill()
	older := filepath.Join(saved, "temporal")
	copyTo(t, filepath.Join(dir, "temporal"), older)

	p = spawn(t, dir, "all")
	seen := p.events(caseID, func(e []event.Recorded) bool { return len(e) >= 8 })
	if err := backup.Ledger(t.Context(), dir, filepath.Join(saved, "ledger")); err != nil {
		t.Fatal(err)
	}
	p.whole(caseID)
	p.kill()
	if err := os.RemoveAll(filepath.Join(dir, "temporal")); err != nil {
		t.Fatal(err)
	}
	copyTo(t, older, filepath.Join(dir, "temporal"))
	r, err := backup.Restore(t.Context(), backup.Config{Data: dir, From: filepath.Join(saved, "ledger"), KeepEngine: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d cases are open again, %d events were known", r.Open, r.Cases, len(seen))
	p = spawn(t, dir, "all")
	first := p.whole(caseID)
	second := p.whole(first.second)
	wantOnce(t, first, 12, 2)
	wantOnce(t, second, 13, 0)
	p.verified()
}
