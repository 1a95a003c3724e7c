package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/broker/internal/lease"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	operator = "bayern"
	munich   = "muenchen"
	caseID   = "0b6f1c1e-6a55-4a0e-8c59-0d1f5a3c2b10"
	canary   = "CANARY-muenchen-Zwölfender-Weg-7"
)

// bundle is a vault over fresh databases with a clock that the test sets.
type bundle struct {
	lease lease.Lease
	*vault.Vault
	ledger *sqlstore.DB
	// place and keys are where ledger and key store lie.
	place, keys sqlstore.Config
	dir         string
	now         time.Time
	logs        *notices
}

func setup(t *testing.T, change ...func(*vault.Config)) *bundle {
	t.Helper()
	b := &bundle{dir: t.TempDir(), now: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC), logs: &notices{lines: make(chan string, 100)}}
	clock := func() time.Time { return b.now }
	b.place = sqlstoretest.Place(t)
	b.place.Now = clock
	b.ledger = sqlstoretest.OpenConfig(t, b.place)
	b.keys = sqlstore.Config{Path: filepath.Join(b.dir, "vault", "keys.db")}
	cfg := vault.Config{Ledger: b.ledger, Dir: filepath.Join(b.dir, "vault"), Log: slog.New(b.logs)}
	if sqlstoretest.Postgres() {
		cfg.KeysURL = sqlstoretest.Database(t)
		b.keys = sqlstore.Config{URL: cfg.KeysURL}
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	b.Vault, err = vault.New(t.Context(), cfg)
	fatal(t, err)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	fatal(t, b.CreateCaseKey(t.Context(), munich, caseID))
	b.lease, err = lease.Keeper{DB: b.ledger, Holder: "sweeper"}.Acquire(t.Context(), "vault-sweeper")
	fatal(t, err)
	return b
}

// CreateCaseKey opens a case that brings nothing with it.
func (b *bundle) CreateCaseKey(ctx context.Context, tenant authority.TenantID, id string) error {
	_, err := b.SealCase(ctx, vault.NewCase{Operator: operator, Tenant: tenant, Case: id})
	return err
}

// StoreFacts seals the facts of the case and writes them.
func (b *bundle) StoreFacts(ctx context.Context, values fact.Values) error {
	sealed, err := b.SealCase(ctx, vault.NewCase{Operator: operator, Tenant: munich, Case: caseID, Facts: values})
	if err != nil {
		return err
	}
	return b.ledger.Write(ctx, func(tx *sqlstore.Tx) error { return sealed.WriteContents(ctx, tx) })
}

// addPerson adds a person to the case and returns her id.
func (b *bundle) addPerson(t *testing.T, attributes map[string]string) string {
	t.Helper()
	sealed, err := b.SealCase(t.Context(), vault.NewCase{
		Operator: operator, Tenant: munich, Case: caseID, People: []service.Subject{{Role: service.Applicant, Attributes: attributes}},
	})
	fatal(t, err)
	fatal(t, b.ledger.Write(t.Context(), func(tx *sqlstore.Tx) error { return sealed.WritePeople(t.Context(), tx) }))
	return sealed.Subjects()[0]
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind contracts.Kind) {
	t.Helper()
	if err == nil || contracts.KindOf(err) != kind {
		t.Fatalf("error %v, want kind %v", err, kind)
	}
}

func object(id string) content.Object {
	return content.Object{
		Ref:      content.Ref{Content: content.ID(id), Kind: content.Application, Form: "gewa1"},
		Operator: operator, Tenant: munich, Case: caseID, MediaType: "application/json", Uploader: "portal-bayern",
		Body: []byte(`{"street":"` + canary + `"}`),
	}
}

// exec changes the ledger database behind the vault's back, as an intruder would.
func (b *bundle) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	fatal(t, b.ledger.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), query, args...)
		return err
	}))
}

func (b *bundle) insertCase(t *testing.T, id string) {
	t.Helper()
	b.exec(t, `insert into cases (id, operator, tenant, service, package, definition, procedure_kind, lead, state, attention, submitter,
		facts, parties, case_seq, engine_seq, receipt_head, announcements, received_at)
		values ($1, $2, $3, '99050012104000', 'p', 'd', 'notification', 'gewerbeamt-muenchen', 'received', '', 's', '{}', '[]', 1, 1, '', 0, $4)`,
		id, operator, munich, b.now)
}

func (b *bundle) project(t *testing.T, typ, inCase string, data any) error {
	t.Helper()
	raw, err := json.Marshal(data)
	fatal(t, err)
	return b.ledger.Write(t.Context(), func(tx *sqlstore.Tx) error {
		return b.Project(t.Context(), tx, event.Recorded{Type: typ, Case: inCase, Operator: operator, Tenant: munich, Data: raw})
	})
}

func TestAStoredObjectOpensAsItWasStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := object("c1")
	ref, existed, err := b.Store(t.Context(), want)
	fatal(t, err)
	if existed || len(ref.Digest) != 64 {
		t.Fatalf("ref %+v, existed %v", ref, existed)
	}
	want.Digest = ref.Digest
	got, err := b.Load(t.Context(), "c1")
	fatal(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	described, err := b.Describe(t.Context(), "c1")
	fatal(t, err)
	want.Body = nil
	if diff := cmp.Diff(want, described); diff != "" {
		t.Error(diff)
	}
	_, err = b.Load(t.Context(), "absent")
	wantKind(t, err, contracts.NotFound)
}

func TestARepeatedUploadIsRecognisedAndAnotherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, _, err := b.Store(t.Context(), object("c1"))
	fatal(t, err)
	again, existed, err := b.Store(t.Context(), object("c1"))
	fatal(t, err)
	if !existed || again != first {
		t.Fatalf("again %+v, existed %v, first %+v", again, existed, first)
	}
	for name, change := range map[string]func(*content.Object){
		"body":       func(o *content.Object) { o.Body = []byte(`{}`) },
		"kind":       func(o *content.Object) { o.Kind = content.Attachment },
		"form":       func(o *content.Object) { o.Form = "gewa3" },
		"media type": func(o *content.Object) { o.MediaType = "application/pdf" },
		"uploader":   func(o *content.Object) { o.Uploader = "someone" },
		"operator":   func(o *content.Object) { o.Operator = "hessen" },
	} {
		o := object("c1")
		change(&o)
		if _, _, err := b.Store(t.Context(), o); err == nil || contracts.KindOf(err) != contracts.Conflict {
			t.Errorf("other %s: error %v, want a conflict", name, err)
		}
	}
}

func TestContentAboveTheLimitAndContentOfACaseWithoutKeyIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *vault.Config) { c.MaxContentBytes = 10 })
	o := object("c1")
	o.Body = make([]byte, 11)
	_, _, err := b.Store(t.Context(), o)
	wantKind(t, err, contracts.TooLarge)
	o.Body, o.Case = o.Body[:10], "a case without key"
	_, _, err = b.Store(t.Context(), o)
	wantKind(t, err, contracts.NotFound)
}

func TestAMovedOrAlteredCiphertextIsRefused(t *testing.T) {
	t.Parallel()
	const other = "5d0c3a52-3a39-4c57-9f4e-6f9b2e1d0c11"
	for name, tamper := range map[string]string{
		"to another object of the case": `update contents set sealed = (select sealed from contents where id = 'c2') where id = 'c1'`,
		"to another case":               `update contents set case_id = '` + other + `' where id = 'c1'`,
		"to another kind":               `update contents set kind = 'certificate' where id = 'c1'`,
		"cut":                           `update contents set sealed = substr(sealed, 1, 2) where id = 'c1'`,
		"cut inside the key":            `update contents set sealed = substr(sealed, 1, 20) where id = 'c1'`,
		"cut inside the body":           `update contents set sealed = substr(sealed, 1, length(sealed) - 1) where id = 'c1'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			fatal(t, b.CreateCaseKey(t.Context(), munich, other))
			for _, id := range []string{"c1", "c2"} {
				_, _, err := b.Store(t.Context(), object(id))
				fatal(t, err)
			}
			b.exec(t, tamper)
			o, err := b.Load(t.Context(), "c1")
			wantKind(t, err, contracts.Internal)
			if len(o.Body) > 0 || strings.Contains(err.Error(), canary) {
				t.Errorf("body of %d bytes, error %v", len(o.Body), err)
			}
		})
	}
}

func TestAKeyOfAnotherTenantOpensNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wantKind(t, b.CreateCaseKey(t.Context(), "nuernberg", caseID), contracts.Conflict)
	_, err := b.MAC(t.Context(), "nuernberg", caseID, []byte("x"))
	wantKind(t, err, contracts.Conflict)
	o := object("c1")
	o.Tenant = "nuernberg"
	_, _, err = b.Store(t.Context(), o)
	wantKind(t, err, contracts.Conflict)

	// An object whose row claims another tenant finds a key that is not that tenant's.
	_, _, err = b.Store(t.Context(), object("c2"))
	fatal(t, err)
	b.exec(t, `update contents set tenant = 'nuernberg' where id = 'c2'`)
	_, err = b.Load(t.Context(), "c2")
	wantKind(t, err, contracts.Conflict)

	// Without the tenant's key file nothing of the tenant opens; no other tenant's key stands in.
	b.exec(t, `update contents set tenant = 'muenchen' where id = 'c2'`)
	fatal(t, os.Remove(filepath.Join(b.dir, "vault", "tenants", munich, "1.key")))
	_, err = b.Load(t.Context(), "c2")
	wantKind(t, err, contracts.Internal)
}

func TestAKeyThatWasMovedInTheKeyStoreOpensNothing(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]string{
		"to another case":   `update keys set wrapped = (select wrapped from keys where id = 'case/other') where id = 'case/` + caseID + `'`,
		"to another tenant": `update keys set tenant = 'nuernberg' where id = 'case/` + caseID + `'`,
		"cut":               `update keys set wrapped = substr(wrapped, 1, 3) where id = 'case/` + caseID + `'`,
		"another version":   `update keys set wrapped = x'00000007' || substr(wrapped, 5) where id = 'case/` + caseID + `'`,
		"deleted":           `delete from keys where id = 'case/` + caseID + `'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			fatal(t, b.CreateCaseKey(t.Context(), munich, "other"))
			fatal(t, b.CreateCaseKey(t.Context(), "nuernberg", "third"))
			_, _, err := b.Store(t.Context(), object("c1"))
			fatal(t, err)
			fatal(t, b.StoreFacts(t.Context(), fact.Values{"foreign_trader": true}))
			if b.keys.URL != "" {
				tamper = strings.NewReplacer("x'00000007'", `'\x00000007'::bytea`).Replace(tamper)
			}
			_, err = sqlstoretest.Raw(t, b.keys).ExecContext(t.Context(), tamper)
			fatal(t, err)
			if o, err := b.Load(t.Context(), "c1"); err == nil {
				t.Errorf("opened %d bytes", len(o.Body))
			}
			if facts, err := b.Facts(t.Context(), caseID); err == nil {
				t.Errorf("facts that do not open are answered as %v", facts)
			}
		})
	}
}

func TestANewVersionOfATenantKeyWrapsAndTheOldOneStillOpens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, err := b.Store(t.Context(), object("c1"))
	fatal(t, err)
	dir := filepath.Join(b.dir, "vault", "tenants", munich)
	fatal(t, os.WriteFile(filepath.Join(dir, "2.key"), bytes.Repeat([]byte{7}, 32), 0o600))
	fatal(t, b.CreateCaseKey(t.Context(), munich, "new"))
	o := object("c2")
	o.Case = "new"
	_, _, err = b.Store(t.Context(), o)
	fatal(t, err)
	for _, id := range []content.ID{"c1", "c2"} {
		_, err := b.Load(t.Context(), id)
		fatal(t, err)
	}
	fatal(t, os.Remove(filepath.Join(dir, "1.key"))) // the old version is destroyed
	if _, err := b.Load(t.Context(), "c1"); err == nil {
		t.Error("content of a destroyed key opens")
	}
	_, err = b.Load(t.Context(), "c2")
	fatal(t, err)
	fatal(t, os.Truncate(filepath.Join(dir, "2.key"), 31))
	if _, err := b.Load(t.Context(), "c2"); err == nil {
		t.Error("a cut key opens")
	}
}

func TestTheCommittedContentsOfACaseAreListedByKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, _, err := b.Store(t.Context(), object("c1"))
	fatal(t, err)
	_, _, err = b.Store(t.Context(), object("pending"))
	fatal(t, err)
	certificate := object("c3")
	certificate.Kind, certificate.Form = content.Certificate, ""
	_, _, err = b.Store(t.Context(), certificate)
	fatal(t, err)
	fatal(t, b.project(t, event.TypeTaskCompleted, caseID, event.TaskCompleted{Contents: []content.Ref{ref, certificate.Ref}}))
	got, err := b.Contents(t.Context(), caseID, content.Application)
	fatal(t, err)
	if diff := cmp.Diff([]content.Ref{ref}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMACsAreStableAndDifferByCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fatal(t, b.CreateCaseKey(t.Context(), munich, "other"))
	one, err := b.MAC(t.Context(), munich, caseID, []byte("form"))
	fatal(t, err)
	again, err := b.MAC(t.Context(), munich, caseID, []byte("form"))
	fatal(t, err)
	other, err := b.MAC(t.Context(), munich, "other", []byte("form"))
	fatal(t, err)
	if string(one) != string(again) || string(one) == string(other) || len(one) != 32 {
		t.Errorf("one %x, again %x, other %x", one, again, other)
	}
}

func TestKeysAreCreatedOnceAlsoByManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	macs := make([]string, 16)
	var wg sync.WaitGroup
	for i := range macs {
		wg.Go(func() {
			if err := b.CreateCaseKey(context.WithoutCancel(t.Context()), "nuernberg", "together"); err != nil {
				t.Error(err)
				return
			}
			m, err := b.MAC(t.Context(), "nuernberg", "together", nil)
			if err != nil {
				t.Error(err)
			}
			macs[i] = string(m)
		})
	}
	wg.Wait()
	for _, m := range macs {
		if m != macs[0] {
			t.Fatal("two keys for one case")
		}
	}
	files, err := os.ReadDir(filepath.Join(b.dir, "vault", "tenants", "nuernberg"))
	fatal(t, err)
	if len(files) != 1 || files[0].Name() != "1.key" {
		t.Fatalf("files %v", files)
	}
	info, err := files[0].Info()
	fatal(t, err)
	if info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Errorf("mode %v, %d bytes", info.Mode(), info.Size())
	}
}

func TestATenantIdCannotLeaveTheKeyDirectory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"", "..", "../x", "a/b", "/etc", "A"} {
		if err := b.CreateCaseKey(t.Context(), authority.TenantID(id), "c"); err == nil {
			t.Errorf("tenant %q got a key", id)
		}
	}
}

func TestSensitiveFactsStaySealedUntilADecisionNeedsThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want := fact.Values{"foreign_trader": true, "employees": int64(3), "register": "commercial"}
	fatal(t, b.StoreFacts(t.Context(), want))
	got, err := b.Facts(t.Context(), caseID)
	fatal(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantKind(t, b.StoreFacts(t.Context(), fact.Values{"foreign_trader": false}), contracts.Conflict)
	none, err := b.Facts(t.Context(), "another case")
	fatal(t, err)
	if len(none) != 0 {
		t.Errorf("facts %v of a case that has none", none)
	}
}

func TestLogKeysAreOnePerTenantMonthAndClass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seal := func(tenant string, at time.Time, class string) string {
		t.Helper()
		sealed, id, err := b.SealLog(t.Context(), munich, at, class, []byte(canary), []byte("aad"))
		fatal(t, err)
		if tenant != munich {
			sealed, id, err = b.SealLog(t.Context(), "nuernberg", at, class, []byte(canary), []byte("aad"))
			fatal(t, err)
		}
		plain, err := b.OpenLog(t.Context(), id, sealed, []byte("aad"))
		fatal(t, err)
		if string(plain) != canary {
			t.Errorf("opened %q", plain)
		}
		if _, err := b.OpenLog(t.Context(), id, sealed, []byte("other")); err == nil {
			t.Error("a record opens elsewhere")
		}
		return id
	}
	ids := map[string]bool{
		seal(munich, b.now, "P2Y"):                       true,
		seal(munich, b.now.Add(time.Hour), "P2Y"):        true, // the same month
		seal(munich, b.now.AddDate(0, 1, 0), "P2Y"):      true,
		seal(munich, b.now, "P6M"):                       true,
		seal("nuernberg", b.now.Add(time.Minute), "P2Y"): true,
	}
	if len(ids) != 4 {
		t.Errorf("%d keys, want 4: %v", len(ids), ids)
	}
	_, err := b.OpenLog(t.Context(), "log/muenchen/2001-01/P2Y", nil, nil)
	wantKind(t, err, contracts.NotFound)
	if _, _, err := b.SealLog(t.Context(), munich, b.now, "a/b", nil, nil); err == nil {
		t.Error("a class with a slash got a key")
	}
}

func TestSubjectsBelongToOneTenantAndAreSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insertCase(t, caseID)
	attributes := map[string]string{"family_name": canary, "nationality": "deutsch"}
	id := b.addPerson(t, attributes)
	got, err := b.OpenSubject(t.Context(), id)
	fatal(t, err)
	if diff := cmp.Diff(attributes, got); diff != "" {
		t.Error(diff)
	}
	_, err = b.OpenSubject(t.Context(), "absent")
	wantKind(t, err, contracts.NotFound)
	var links int
	fatal(t, b.ledger.Read().QueryRowContext(t.Context(), `select count(*) from case_subjects where case_id = $1`, caseID).Scan(&links))
	if links != 1 {
		t.Errorf("%d links", links)
	}
}

func TestANewCaseIsSealedWholeAndWrittenInOneTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const id = "fresh"
	o := object("c1")
	o.Case = ""
	sealed, err := b.SealCase(t.Context(), vault.NewCase{
		Operator: operator, Tenant: munich, Case: id, Contents: []content.Object{o}, Facts: fact.Values{"foreign_trader": true},
		People: []service.Subject{{Role: service.Applicant, Attributes: map[string]string{"family_name": canary}}, {Role: service.ThirdPerson}},
	})
	fatal(t, err)
	if _, err := b.Load(t.Context(), "c1"); contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("something stands in the ledger before the transaction: %v", err)
	}
	b.insertCase(t, id)
	fatal(t, b.ledger.Write(t.Context(), func(tx *sqlstore.Tx) error {
		return errors.Join(sealed.WriteContents(t.Context(), tx), sealed.WritePeople(t.Context(), tx))
	}))
	got, err := b.Load(t.Context(), sealed.Refs()[0].Content)
	fatal(t, err)
	facts, err := b.Facts(t.Context(), id)
	fatal(t, err)
	person, err := b.OpenSubject(t.Context(), sealed.Subjects()[0])
	fatal(t, err)
	if got.Case != id || string(got.Body) != string(o.Body) || facts["foreign_trader"] != true || person["family_name"] != canary || len(sealed.Refs()) != 1 {
		t.Errorf("object %+v, facts %v, person %v, %d references", got, facts, person, len(sealed.Refs()))
	}
	one, err := sealed.MAC([]byte("x"))
	fatal(t, err)
	same, err := b.MAC(t.Context(), munich, id, []byte("x"))
	fatal(t, err)
	if string(one) != string(same) {
		t.Error("the case has two keys")
	}
	o.Body = make([]byte, 10<<20+1)
	_, err = b.SealCase(t.Context(), vault.NewCase{Operator: operator, Tenant: munich, Case: id, Contents: []content.Object{o}})
	wantKind(t, err, contracts.TooLarge)
}

func TestAnEventCommitsItsContentsAndAForeignOneIsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, _, err := b.Store(t.Context(), object("c1"))
	fatal(t, err)
	fatal(t, b.StoreFacts(t.Context(), fact.Values{"foreign_trader": false}))

	wrong := map[string]content.Ref{
		"absent":        {Content: "c9", Kind: content.Application, Form: "gewa1"},
		"other kind":    {Content: "c1", Kind: content.Certificate, Form: "gewa1"},
		"other form":    {Content: "c1", Kind: content.Application, Form: "gewa3"},
		"other digest":  {Content: "c1", Kind: content.Application, Form: "gewa1", Digest: strings.Repeat("0", 64)},
		"facts as such": {Content: factsOf(t, b), Kind: content.Facts},
	}
	for name, bad := range wrong {
		err := b.project(t, event.TypeTaskCompleted, caseID, event.TaskCompleted{Contents: []content.Ref{bad}})
		if err == nil || contracts.KindOf(err) != contracts.Conflict {
			t.Errorf("%s: error %v, want a conflict", name, err)
		}
	}
	wantKind(t, b.project(t, event.TypeCaseSubmitted, "another case", event.CaseSubmitted{Contents: []content.Ref{ref}}), contracts.Conflict)

	for range 2 { // a retry
		fatal(t, b.project(t, event.TypeCaseSubmitted, caseID, event.CaseSubmitted{Contents: []content.Ref{ref}}))
	}
	fatal(t, b.project(t, event.TypeCaseClosed, caseID, event.CaseClosed{}))
	var open int
	fatal(t, b.ledger.Read().QueryRowContext(t.Context(), `select count(*) from contents where state <> 'committed'`).Scan(&open))
	o, err := b.Describe(t.Context(), "c1")
	fatal(t, err)
	if open != 0 || !o.Committed {
		t.Errorf("%d objects not committed, application committed %v", open, o.Committed)
	}
}

func factsOf(t *testing.T, b *bundle) content.ID {
	t.Helper()
	var id string
	fatal(t, b.ledger.Read().QueryRowContext(t.Context(), `select id from contents where kind = 'facts'`).Scan(&id))
	return content.ID(id)
}

func TestPendingContentIsSweptAfterADayAndCommittedContentStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"kept", "dropped"} {
		_, _, err := b.Store(t.Context(), object(id))
		fatal(t, err)
	}
	fatal(t, b.project(t, event.TypeCaseSubmitted, caseID, event.CaseSubmitted{Contents: []content.Ref{object("kept").Ref}}))

	b.now = b.now.Add(24 * time.Hour)
	if n, err := b.Sweep(t.Context(), b.lease); err != nil || n != 0 {
		t.Fatalf("swept %d too early, error %v", n, err)
	}
	b.now = b.now.Add(time.Microsecond)

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, b.lease) }()
	if line := <-b.logs.lines; line != "pending contents swept" {
		t.Errorf("logged %q", line)
	}
	cancel()
	fatal(t, <-done)
	_, err := b.Describe(t.Context(), "dropped")
	wantKind(t, err, contracts.NotFound)
	if _, err := b.Load(t.Context(), "kept"); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWithItsContextHoweverOften(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *vault.Config) { c.SweepEvery = time.Microsecond })
	var wg sync.WaitGroup
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if err := b.Run(ctx, b.lease); err != nil {
				t.Error(err)
			}
		})
		wg.Go(cancel)
	}
	wg.Wait()
}

func TestASweepThatFailsIsToldAndRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *vault.Config) { c.SweepEvery = time.Millisecond })
	_, err := sqlstoretest.Raw(t, b.place).ExecContext(t.Context(), `alter table contents rename to hidden`)
	fatal(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, b.lease) }()
	for range 2 {
		if line := <-b.logs.lines; line != "pending contents were not swept" {
			t.Errorf("logged %q", line)
		}
	}
	cancel()
	fatal(t, <-done)
}

func TestNoFileHoldsContentInTheClear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insertCase(t, caseID)
	_, _, err := b.Store(t.Context(), object("c1"))
	fatal(t, err)
	fatal(t, b.StoreFacts(t.Context(), fact.Values{canary: true}))
	b.addPerson(t, map[string]string{"name": canary})
	for _, place := range []sqlstore.Config{b.place, b.keys} {
		stored := string(sqlstoretest.Stored(t, place))
		if strings.Contains(stored, "CANARY") || strings.Contains(stored, "foreign_trader") || !strings.Contains(stored, caseID) {
			t.Errorf("of %d bytes stored some are content, or they are not the vault's", len(stored))
		}
	}
	files := 0
	fatal(t, filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), "CANARY") || strings.Contains(string(raw), "foreign_trader") {
			t.Errorf("%s holds content", filepath.Base(path))
		}
		return err
	}))
	if files < 1 {
		t.Errorf("only %d files were read", files)
	}
	brought := vault.NewCase{Operator: operator, Tenant: munich, Case: caseID, Contents: []content.Object{object("c2")}, Facts: fact.Values{canary: true}}
	sealed, err := b.SealCase(t.Context(), brought)
	fatal(t, err)
	for _, v := range []any{brought, sealed} {
		if text := slog.AnyValue(v).Resolve().String(); text != "[case_id="+caseID+"]" {
			t.Errorf("a log line would show %s", text)
		}
	}
	if text := slog.AnyValue(object("c1")).Resolve().String(); strings.Contains(text, "CANARY") {
		t.Errorf("a log line would show %s", text)
	}
}

// notices passes the messages of log lines on.
type notices struct{ lines chan string }

func (n *notices) Enabled(context.Context, slog.Level) bool { return true }
func (n *notices) Handle(ctx context.Context, r slog.Record) error {
	select {
	case n.lines <- r.Message:
	case <-ctx.Done():
	}
	return nil
}
func (n *notices) WithAttrs([]slog.Attr) slog.Handler { return n }
func (n *notices) WithGroup(string) slog.Handler      { return n }

// Whoever needs a key while the key store is away is told to come again.
func TestAKeyStoreThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenants, err := vault.NewFileKeys(t.TempDir()) // they stay
	fatal(t, err)
	t.Cleanup(func() { fatal(t, tenants.Close()) })
	away, err := vault.New(t.Context(), vault.Config{Ledger: b.ledger, Dir: filepath.Join(b.dir, "vault"), KeysURL: b.keys.URL, Backup: t.TempDir(), Wrapper: tenants})
	fatal(t, err)
	fatal(t, away.Close())
	for what, try := range map[string]func() error{
		"a new case": func() error {
			_, err := away.SealCase(t.Context(), vault.NewCase{Operator: "bayern", Tenant: munich, Case: "new"})
			return err
		},
		"a repeat":     func() error { _, err := away.MAC(t.Context(), munich, caseID, []byte("body")); return err },
		"a submission": func() error { _, err := away.Index(t.Context(), "bayern", "s"); return err },
	} {
		if err := try(); contracts.KindOf(err) != contracts.Unavailable || err == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
