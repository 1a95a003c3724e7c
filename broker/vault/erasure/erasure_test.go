package erasure_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/broker/vault/erasure"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/act"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/service"
)

var errCut = errors.New("power cut")

// combine lays a directory out of parts that were copied at different times.
func combine(t *testing.T, ledger, keys, tenants string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range []struct{ from, name, to string }{
		{ledger, "ledger.db", "ledger.db"},
		{ledger, "ledger.db-wal", "ledger.db-wal"},
		{keys, "keys.db", "keystore/keys.db"},
		{keys, "keys.db-wal", "keystore/keys.db-wal"},
	} {
		raw, err := os.ReadFile(filepath.Join(p.from, p.name))
		if errors.Is(err, os.ErrNotExist) && strings.HasSuffix(p.name, "-wal") {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, p.to)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "keystore", "tenants"), os.DirFS(tenants)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// attempt says what of a case the vault opens in a directory.
func attempt(t *testing.T, dir string, f filed) []string {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(dir, "ledger.db")})
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(t.Context(), vault.Config{Ledger: db, Dir: filepath.Join(dir, "keystore")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(v.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}()
	return opens(t, v, munich, f)
}

// TestWhatWasErasedOpensFromNothingThatExistedBefore keeps a copy of everything from before and tries each combination
// of old and new parts. The destroyed version of the tenant key opens it, which shows that the attempts are real; without
// it nothing does.
func TestWhatWasErasedOpensFromNothingThatExistedBefore(t *testing.T) {
	t.Parallel()
	b := onFiles(t)
	gone, stays := b.file(munich, false), b.file(munich, false)
	before := copied(t, b.dir)
	if _, err := b.Erase(t.Context(), eraser(), gone.id, "erasure_requested"); err != nil {
		t.Fatal(err)
	}
	after := copied(t, b.dir)
	ledgers := map[string]string{"old ledger": before, "new ledger": after}
	keys := map[string]string{"old keys": filepath.Join(before, "keystore"), "new keys": filepath.Join(after, "keystore"), "backup of keys": filepath.Join(after, "keystore", "backup")}
	oldTenants, newTenants := filepath.Join(before, "keystore", "tenants"), filepath.Join(after, "keystore", "tenants")
	for l, ledgerDir := range ledgers {
		for k, keyDir := range keys {
			if got := attempt(t, combine(t, ledgerDir, keyDir, newTenants), gone); len(got) > 0 {
				t.Errorf("%s, %s: %v opens", l, k, got)
			}
		}
	}
	if got := attempt(t, combine(t, before, filepath.Join(before, "keystore"), oldTenants), gone); len(got) != 4 {
		t.Errorf("with the destroyed tenant key only %v opens: the attempts prove nothing", got)
	}
	for _, k := range []string{"new keys", "backup of keys"} {
		if got := attempt(t, combine(t, before, keys[k], newTenants), stays); len(got) != 4 {
			t.Errorf("%s: of the other case only %v opens", k, got)
		}
	}
	b.wantWhole(munich, stays)
	b.wantProof(gone)
	if n := b.wantVerified(); n != 5 {
		t.Errorf("%d receipts, want 5", n)
	}
}

// TestNoKeyOfTheErasedIsLeftInAnyFile looks at the bytes: no file holds the destroyed version of the tenant key.
func TestNoKeyOfTheErasedIsLeftInAnyFile(t *testing.T) {
	t.Parallel()
	b := onFiles(t)
	gone := b.file(munich, false)
	old, err := os.ReadFile(b.path("keystore/tenants/muenchen/1.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Erase(t.Context(), eraser(), gone.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), string(old)) {
			t.Errorf("%s holds the destroyed key", path)
		}
		return err
	})
	if err != nil || seen < 5 {
		t.Errorf("%d files read, %v", seen, err)
	}
	if _, err := os.Stat(b.path("keystore/tenants/muenchen/2.key")); err != nil {
		t.Errorf("the new version: %v", err)
	}
}

func TestAnErasureGoesOnAfterAPowerCutAtEachStep(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"begun", "event", "keys", "rewrap", "backup", "retire", "done"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			gone, stays, other := b.file(munich, false), b.file(munich, false), b.file("nuernberg", false)
			b.Interrupt(func(reached string) error {
				if reached == step {
					return errCut
				}
				return nil
			})
			if _, err := b.Erase(t.Context(), eraser(), gone.id, "retention_expired"); !errors.Is(err, errCut) {
				t.Fatalf("the step was not reached: %v", err)
			}
			b.wantWhole(munich, stays) // nobody else notices
			b.close()
			b.open()
			if err := b.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.wantErased(gone)
			b.wantWhole(munich, stays)
			b.wantWhole("nuernberg", other)
			versions, err := filepath.Glob(b.path("keystore/tenants/muenchen/*"))
			if err != nil || len(versions) != 1 || filepath.Base(versions[0]) == "1.key" {
				t.Errorf("tenant keys %v, %v", versions, err)
			}
			again, err := b.Erase(t.Context(), eraser(), gone.id, "retention_expired")
			if err != nil || !again.At.Equal(b.now) {
				t.Errorf("repeated: %+v, %v", again, err)
			}
			if n := b.wantVerified(); n != 7 {
				t.Errorf("%d receipts, want 7", n)
			}
		})
	}
}

func (b *bundle) wantErased(f filed) {
	b.tb.Helper()
	if got := opens(b.tb, b.vault, munich, f); len(got) > 0 {
		b.tb.Errorf("%v of an erased case opens", got)
	}
	b.wantProof(f)
	events, err := b.ledger.CaseEvents(b.tb.Context(), b.db.Read(), f.id, 0, 100)
	if err != nil {
		b.tb.Fatal(err)
	}
	erased := slices.DeleteFunc(events, func(e event.Recorded) bool { return e.Type != event.TypeCaseErased })
	if len(erased) != 1 || erased[0].Actor.ID != "operator-bayern" {
		b.tb.Errorf("events of the erasure: %+v", erased)
	}
}

func TestARestoreDoesNotBringBackWhatWasErased(t *testing.T) {
	t.Parallel()
	for name, erase := range map[string]bool{"closed at the time of the backup": false, "still open at the time of the backup": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onFiles(t)
			gone, stays := b.file(munich, erase), b.file(munich, false)
			ledgerBackup, keysBackup := filepath.Join(t.TempDir(), "ledger.db"), filepath.Join(t.TempDir(), "keys.db")
			for from, to := range map[string]string{"ledger.db": ledgerBackup, "keystore/keys.db": keysBackup} {
				if err := sqlstore.Copy(t.Context(), b.path(from), to); err != nil {
					t.Fatal(err)
				}
			}
			later := b.file(munich, false) // the backup does not know it
			if erase {
				b.write(func(tx *sqlstore.Tx) error {
					_, err := b.ledger.Append(t.Context(), tx, event.Draft{ID: "end", Source: "test", Type: event.TypeCaseClosed, Case: gone.id, Tenant: munich, Data: event.CaseClosed{}})
					return err
				})
			}
			for _, f := range []filed{gone, later} {
				if _, err := b.Erase(t.Context(), eraser(), f.id, "legal_obligation"); err != nil {
					t.Fatal(err)
				}
			}
			b.close()
			b.replace("ledger.db", ledgerBackup)
			b.open()
			if err := b.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.wantErased(gone)
			b.wantWhole(munich, stays)
			b.wantVerified()
			var state string
			if err := b.db.Read().QueryRowContext(t.Context(), `select state from cases where id = $1`, gone.id).Scan(&state); err != nil || state != "closed" {
				t.Errorf("the erased case is %s, %v", state, err)
			}
			// A key store from before is of no use: its tenant key is destroyed. It is told, not passed over.
			b.close()
			b.replace("keystore/keys.db", keysBackup)
			b.open()
			if err := b.Resume(t.Context()); err == nil {
				t.Error("a key store from before the erasure was taken")
			}
			if got := opens(t, b.vault, munich, gone); len(got) > 0 {
				t.Errorf("%v opens with a key store from before", got)
			}
		})
	}
}

// TestTheJournalIsAppliedToALedgerFromBeforeTheErasure restores the ledger alone, on the engine that the tests run on.
func TestTheJournalIsAppliedToALedgerFromBeforeTheErasure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, stays := b.file(munich, false), b.file(munich, false)
	b.close()
	before := sqlstoretest.Copy(t, b.place)
	b.open()
	if _, err := b.Erase(t.Context(), eraser(), gone.id, "legal_obligation"); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.place = before
	b.open()
	if acts, _, err := b.Acts(t.Context(), eraser(), gone.id, "", 10); err != nil || len(acts) != 0 {
		t.Errorf("the restored ledger knows of the erasure: %+v, %v", acts, err)
	}
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantErased(gone)
	b.wantWhole(munich, stays)
	b.wantVerified()
	if acts, _, err := b.Acts(t.Context(), eraser(), gone.id, "", 10); err != nil || len(acts) != 1 || acts[0].Kind != act.Erase {
		t.Errorf("acts %+v, %v", acts, err)
	}
}

// replace puts a backup in the place of a database.
func (b *bundle) replace(name, backup string) {
	b.tb.Helper()
	raw, err := os.ReadFile(backup)
	if err != nil {
		b.tb.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(b.path(name) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			b.tb.Fatal(err)
		}
	}
	if err := os.WriteFile(b.path(name), raw, 0o600); err != nil {
		b.tb.Fatal(err)
	}
}

// TestErasingSomeCasesLeavesAllOthers erases a random subset of the cases of two tenants, with interruptions and
// restarts at random. One seed is one run.
func TestErasingSomeCasesLeavesAllOthers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			eraseAtRandom(t, rand.New(rand.NewPCG(seed, 7)))
		})
	}
}

func eraseAtRandom(t *testing.T, rng *rand.Rand) {
	t.Helper()
	b := setup(t)
	tenants := []authority.TenantID{munich, "nuernberg"}
	steps := []string{"begun", "event", "keys", "rewrap", "backup", "retire", "done", "", "", ""}
	var all []filed
	var owner []authority.TenantID
	for range 2 + rng.IntN(6) {
		tenant := tenants[rng.IntN(2)]
		all, owner = append(all, b.file(tenant, false)), append(owner, tenant)
	}
	erased := map[int]bool{}
	for i := range all {
		if rng.IntN(2) == 0 {
			continue
		}
		erased[i] = true
		at := steps[rng.IntN(len(steps))]
		b.Interrupt(func(step string) error {
			if step == at {
				return errCut
			}
			return nil
		})
		if _, err := b.Erase(t.Context(), eraser(), all[i].id, "retention_expired"); (at == "") != (err == nil) {
			t.Fatalf("cut at %q: %v", at, err)
		}
		b.Interrupt(func(string) error { return nil })
		if rng.IntN(2) == 0 {
			b.close()
			b.open()
		}
	}
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, f := range all {
		if got := opens(t, b.vault, owner[i], f); erased[i] && len(got) != 0 || !erased[i] && len(got) != 4 {
			t.Errorf("case %d, erased %v: %v opens", i, erased[i], got)
		}
		b.wantProof(f)
	}
	b.wantVerified()
}

func TestACaseThatMayNotBeErasedStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	open, closed := b.file(munich, true), b.file(munich, false)
	refused := func(want string, kind contracts.Kind, id string, reason act.Reason) {
		t.Helper()
		_, err := b.Erase(t.Context(), eraser(), id, reason)
		wantKind(t, err, kind)
		if !strings.Contains(err.Error(), want) {
			t.Errorf("refused with %q, want %q", err, want)
		}
	}
	refused("only a closed case", contracts.Conflict, open.id, "retention_expired")
	refused("no reason for this act", contracts.Invalid, closed.id, "litigation")
	refused("no such object", contracts.NotFound, "3f5a1f3e-0000-4000-8000-000000000000", "retention_expired")
	b.pkg = service.Package{Retention: service.Retention{Period: "P2Y", From: service.FromEnd}}
	refused("kept until 2028-11-25T10:00:00Z (P2Y", contracts.Conflict, closed.id, "retention_expired")
	b.now = b.now.AddDate(2, 0, 0).Add(-1000)
	refused("kept until", contracts.Conflict, closed.id, "retention_expired")
	b.now = b.now.Add(1000)
	held, err := b.Hold(t.Context(), eraser(), closed.id, "litigation")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Hold(t.Context(), eraser(), closed.id, "litigation"); err != nil || again.ID != held.ID {
		t.Errorf("held again: %+v, %v", again, err)
	}
	_, err = b.Hold(t.Context(), eraser(), closed.id, "audit")
	wantKind(t, err, contracts.Conflict)
	refused("held for the reason litigation", contracts.Conflict, closed.id, "retention_expired")
	b.wantWhole(munich, closed)
	b.wantWhole(munich, open)
	if _, err := os.Stat(filepath.Join(vault.TenantKeys(b.path("keystore")), erasure.JournalFile)); err == nil {
		t.Error("a refused erasure stands in the journal")
	}
	if _, err := b.LiftHold(t.Context(), eraser(), closed.id, "hold_ended"); err != nil {
		t.Fatal(err)
	}
	_, err = b.LiftHold(t.Context(), eraser(), closed.id, "hold_ended")
	wantKind(t, err, contracts.Conflict)
	if _, err := b.Erase(t.Context(), eraser(), closed.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	_, err = b.Hold(t.Context(), eraser(), closed.id, "audit")
	wantKind(t, err, contracts.Conflict)
	refused("erased for the reason retention_expired", contracts.Conflict, closed.id, "erasure_requested")
	b.write(func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `update cases set package = 'another', state = 'closed', closed_at = $2 where id = $1`, open.id, b.now)
		return err
	})
	refused("retention is not known", contracts.Conflict, open.id, "retention_expired")
}

// TestAHoldLosesToAnErasureThatHasBegun cuts the power between journal and ledger and holds the case then.
func TestAHoldLosesToAnErasureThatHasBegun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.file(munich, false)
	b.Interrupt(func(string) error { return errCut })
	if _, err := b.Erase(t.Context(), eraser(), f.id, "retention_expired"); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	_, err := b.Hold(t.Context(), eraser(), f.id, "audit")
	wantKind(t, err, contracts.Conflict)
}

func TestPeopleOfOtherCasesStay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.file(munich, false), b.file(munich, false)
	b.write(func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into case_subjects (case_id, subject, role) values ($1, $2, 'representative')`, second.id, first.subject)
		return err
	})
	if _, err := b.Erase(t.Context(), eraser(), first.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	if got := opens(t, b.vault, munich, first); !slices.Equal(got, []string{"subject"}) {
		t.Errorf("%v opens, want the person who stands in another case too", got)
	}
	if _, err := b.Erase(t.Context(), eraser(), second.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	if got := opens(t, b.vault, munich, first); len(got) > 0 {
		t.Errorf("%v opens after the last case", got)
	}
}

func TestTheJournalForgetsATornLineAndRefusesAWrongOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f, g := b.file(munich, false), b.file(munich, false)
	if _, err := b.Erase(t.Context(), eraser(), f.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(vault.TenantKeys(b.path("keystore")), erasure.JournalFile)
	whole, err := os.ReadFile(path)
	if err != nil || strings.Count(string(whole), "\n") != 2 {
		t.Fatalf("journal %q, %v", whole, err)
	}
	if strings.Contains(string(whole), canary) {
		t.Error("the journal holds content")
	}
	torn := append(slices.Clone(whole), []byte(`{"v":1,"erasure_id":"x","case_id":"`+g.id+`"`)...)
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantWhole(munich, g)
	if _, err := b.Erase(t.Context(), eraser(), g.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	b.wantErased(g)
	for _, wrong := range []string{"{}\n", "x\n", `{"v":2,"erasure_id":"x","case_id":"y","tenant":"z"}` + "\n"} {
		if err := os.WriteFile(path, append(slices.Clone(whole), wrong...), 0o600); err != nil {
			t.Fatal(err)
		}
		wantKind(t, b.Resume(t.Context()), contracts.Internal)
	}
}

func TestRewrapLeavesOneVersionUnderWhichEverythingOpens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f, other := b.file(munich, false), b.file("nuernberg", false)
	for want := uint32(2); want < 5; want++ {
		got, err := b.Rewrap(t.Context(), eraser(), munich, "scheduled")
		if err != nil || got.Version != want || got.Keys != 3 { // case, subject, log
			t.Fatalf("got %+v, %v, want version %d of 3 keys", got, err, want)
		}
	}
	b.wantWhole(munich, f)
	b.wantWhole("nuernberg", other)
	_, err := b.Rewrap(t.Context(), eraser(), "kassel", "scheduled") // another operator's
	wantKind(t, err, contracts.NotFound)
	_, err = b.Rewrap(t.Context(), eraser(), munich, "litigation")
	wantKind(t, err, contracts.Invalid)
}

func TestTheBodyConcernedSeesThePrivilegedActs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := b.file(munich, false)
	if _, err := b.Hold(t.Context(), eraser(), f.id, "audit"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.LiftHold(t.Context(), eraser(), f.id, "hold_in_error"); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(1000)
	if _, err := b.Erase(t.Context(), eraser(), f.id, "retention_expired"); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(1000)
	if _, err := b.Rewrap(t.Context(), eraser(), munich, "scheduled"); err != nil {
		t.Fatal(err)
	}
	office := func(id authority.ID, tenant authority.TenantID) actor.Viewer {
		return actor.Viewer{Actor: actor.Actor{ID: string(id), Role: actor.System, Authority: id}, Tenant: tenant, Operator: operator}
	}
	for name, c := range map[string]struct {
		viewer actor.Viewer
		caseID string
		want   []act.Kind
	}{
		"operator":                    {eraser(), "", []act.Kind{act.Hold, act.LiftHold, act.Erase, act.Rewrap}},
		"operator, one case":          {eraser(), f.id, []act.Kind{act.Hold, act.LiftHold, act.Erase}},
		"lead":                        {office(lead, munich), "", []act.Kind{act.Hold, act.LiftHold, act.Erase, act.Rewrap}},
		"another office of the city":  {office("bauamt-muenchen", munich), "", []act.Kind{act.Rewrap}},
		"another city":                {office("gewerbeamt-nuernberg", "nuernberg"), "", nil},
		"another city, with the case": {office("gewerbeamt-nuernberg", "nuernberg"), f.id, nil},
	} {
		var got []act.Kind
		after := ""
		for {
			page, next, err := b.Acts(t.Context(), c.viewer, c.caseID, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page {
				got = append(got, a.Kind)
				if a.Actor.ID != "operator-bayern" || a.Reason == "" || a.Tenant != munich {
					t.Errorf("%s: %+v", name, a)
				}
			}
			if after = next; next == "" {
				break
			}
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s sees %v, want %v", name, got, c.want)
		}
	}
	_, _, err := b.Acts(t.Context(), eraser(), "", "yesterday", 1)
	wantKind(t, err, contracts.Invalid)
}

// TestTwoReplicasErasePastEachOther lets two processes on the same databases and the same tenant keys erase and rewrap at
// the same time.
func TestTwoReplicasErasePastEachOther(t *testing.T) {
	t.Parallel()
	first := setup(t)
	second := &bundle{tb: t, dir: first.dir, place: first.place, keys: first.keys, now: first.now, log: first.log, pkg: first.pkg}
	second.open()
	t.Cleanup(second.close)
	var gone, stay []filed
	for range 3 {
		gone, stay = append(gone, first.file(munich, false), second.file(munich, false)), append(stay, first.file(munich, false))
	}
	var work sync.WaitGroup
	for r, b := range []*bundle{first, second} {
		work.Go(func() {
			for i, f := range gone {
				if i%2 == r { // each its own, and everybody the last one
					_, err := b.Erase(t.Context(), eraser(), f.id, "retention_expired")
					if err != nil {
						t.Error(err)
					}
				}
			}
			if _, err := b.Erase(t.Context(), eraser(), gone[0].id, "retention_expired"); err != nil {
				t.Error(err)
			}
			if _, err := b.Rewrap(t.Context(), eraser(), munich, "scheduled"); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	for _, f := range gone {
		first.wantErased(f)
	}
	for _, f := range stay {
		second.wantWhole(munich, f)
	}
	first.wantVerified()
	whole, err := os.ReadFile(filepath.Join(vault.TenantKeys(first.path("keystore")), erasure.JournalFile))
	if err != nil || strings.Count(string(whole), "\n") != 2*len(gone) {
		t.Errorf("journal of %d lines, want two for each of %d erasures: %v", strings.Count(string(whole), "\n"), len(gone), err)
	}
	// The backup is a key store of its own, of the newest version: whoever has it and the tenant keys opens what is left.
	backup := filepath.Join(t.TempDir(), "keystore")
	if err := os.CopyFS(filepath.Join(backup, "tenants"), os.DirFS(vault.TenantKeys(first.path("keystore")))); err != nil {
		t.Fatal(err)
	}
	if err := sqlstore.Copy(t.Context(), first.path("keystore/backup/"+vault.KeyFile), filepath.Join(backup, vault.KeyFile)); err != nil {
		t.Fatal(err)
	}
	restored, err := vault.New(t.Context(), vault.Config{Ledger: first.db, Dir: backup})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	for _, f := range stay {
		if got := opens(t, restored, munich, f); len(got) != 4 {
			t.Errorf("with the backup of the key store only %v opens", got)
		}
	}
	for _, f := range gone {
		if got := opens(t, restored, munich, f); len(got) > 0 {
			t.Errorf("with the backup of the key store %v of an erased case opens", got)
		}
	}
}
