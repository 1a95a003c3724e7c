package erasure_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/broker/vault"
	"github.com/efa-broker/efa-broker/broker/vault/erasure"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	operator                    = "bayern"
	munich   authority.TenantID = "muenchen"
	lead     authority.ID       = "gewerbeamt-muenchen"
	canary                      = "CANARY-Zwölfender-Weg-7"
)

// bundle is a ledger, a vault and the domain over one directory, as a program opens them.
type bundle struct {
	*erasure.Eraser
	tb     testing.TB
	dir    string
	place  sqlstore.Config
	keys   string // URL of the key store; empty for a file
	now    time.Time
	db     *sqlstore.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	pkg    service.Package
	log    slog.Handler
}

// everything is an access policy that allows what the operator may do.
type everything struct{ denied decision.Action }

func (e everything) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	return in.Action != e.denied && in.Relation != decision.Foreign, nil
}

func (b *bundle) ByHash(_ context.Context, hash string) (service.Package, error) {
	if hash != "p" {
		return service.Package{}, contracts.Errorf(contracts.NotFound, "find package", "no package %s", hash)
	}
	return b.pkg, nil
}

// setup opens databases of the engine that the tests run on.
func setup(tb testing.TB) *bundle {
	tb.Helper()
	if !sqlstoretest.Postgres() {
		return onFiles(tb)
	}
	return at(tb, tb.TempDir(), sqlstoretest.Place(tb), sqlstoretest.Database(tb))
}

// onFiles opens SQLite files, for tests that copy and replace them.
func onFiles(tb testing.TB) *bundle {
	tb.Helper()
	dir := tb.TempDir()
	return at(tb, dir, sqlstore.Config{Path: filepath.Join(dir, "ledger.db")}, "")
}

func at(tb testing.TB, dir string, place sqlstore.Config, keys string) *bundle {
	tb.Helper()
	b := &bundle{
		tb: tb, dir: dir, place: place, keys: keys, now: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC), log: slog.DiscardHandler,
		pkg: service.Package{Retention: service.Retention{Period: "P0D", From: service.FromEnd, Mark: "design"}},
	}
	b.place.Now = func() time.Time { return b.now }
	b.open()
	tb.Cleanup(b.close)
	b.write(func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(tb.Context(), `insert into tenants (id, operator, name) values ('muenchen', 'bayern', 'x'), ('nuernberg', 'bayern', 'x'), ('kassel', 'hessen', 'x')`)
		return err
	})
	return b
}

// open opens everything anew, without Resume.
func (b *bundle) open() {
	b.tb.Helper()
	ctx := context.WithoutCancel(b.tb.Context())
	var err error
	if b.db, err = sqlstore.Open(ctx, b.place); err != nil {
		b.tb.Fatal(err)
	}
	if b.vault, err = vault.New(ctx, vault.Config{Ledger: b.db, Dir: b.path("keystore"), KeysURL: b.keys}); err != nil {
		b.tb.Fatal(err)
	}
	b.ledger = ledger.New(ledger.Config{DB: b.db, Operator: operator, Key: ledger.NewKey(make([]byte, 32))})
	if err := b.ledger.RememberKey(ctx); err != nil {
		b.tb.Fatal(err)
	}
	b.Eraser = erasure.New(erasure.Config{
		DB: b.db, Ledger: b.ledger, Keys: b.vault, Packages: b, Access: everything{}, Operator: operator,
		Journal: vault.TenantKeys(b.path("keystore")), Log: slog.New(b.log),
	})
	b.ledger.Project(b.vault.Project, b.Project, closing)
}

// closing stands in for casework: it ends the case.
func closing(ctx context.Context, tx *sqlstore.Tx, r event.Recorded) error {
	if r.Type != event.TypeCaseClosed && r.Type != event.TypeCaseErased {
		return nil
	}
	_, err := tx.Exec(ctx, `update cases set state = 'closed', closed_at = $2 where id = $1 and state <> 'closed'`, r.Case, r.Time)
	return err
}

func (b *bundle) close() {
	if err := errors.Join(b.vault.Close(), b.db.Close()); err != nil {
		b.tb.Error(err)
	}
}

func (b *bundle) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bundle) write(fn func(tx *sqlstore.Tx) error) {
	b.tb.Helper()
	if err := b.db.Write(b.tb.Context(), fn); err != nil {
		b.tb.Fatal(err)
	}
}

// filed is a case with everything that is sealed for it.
type filed struct {
	id, subject, logKey string
	application         content.ID
	logRecord           []byte
}

// file submits a case and closes it, unless open is set.
func (b *bundle) file(tenant authority.TenantID, open bool) filed {
	b.tb.Helper()
	ctx := b.tb.Context()
	f := filed{id: uuid.NewString(), application: content.ID(uuid.NewString())}
	ok := func(err error) {
		b.tb.Helper()
		if err != nil {
			b.tb.Fatal(err)
		}
	}
	sealed, err := b.vault.SealCase(ctx, vault.NewCase{
		Operator: operator, Tenant: tenant, Case: f.id, Facts: fact.Values{"foreign_trader": true},
		Contents: []content.Object{{
			Ref:       content.Ref{Content: f.application, Kind: content.Application, Form: "gewa1"},
			MediaType: "application/json", Uploader: "portal", Body: []byte(canary + f.id),
		}},
		People: []service.Subject{{Role: service.Applicant, Attributes: map[string]string{"name": canary}}},
	})
	ok(err)
	f.subject = sealed.Subjects()[0]
	f.logRecord, f.logKey, err = b.vault.SealLog(ctx, tenant, b.now, "P2Y", []byte("decision of "+f.id), nil)
	ok(err)
	b.write(func(tx *sqlstore.Tx) error {
		drafts := []event.Draft{{
			ID: f.id + "/submitted", Source: "test", Type: event.TypeCaseSubmitted, Case: f.id, Tenant: tenant,
			Data: event.CaseSubmitted{Package: "p", Lead: lead, Procedure: "notification", Contents: sealed.Refs()},
		}}
		if !open {
			drafts = append(drafts, event.Draft{ID: f.id + "/closed", Source: "test", Type: event.TypeCaseClosed, Case: f.id, Tenant: tenant, Data: event.CaseClosed{Step: "done", Pass: 1}})
		}
		if err := sealed.WriteContents(ctx, tx); err != nil {
			return err
		}
		if _, err := b.ledger.Append(ctx, tx, drafts...); err != nil {
			return err
		}
		return sealed.WritePeople(ctx, tx)
	})
	return f
}

// opens lists what of a case opens with a vault: "application", "facts", "subject", "mac".
func opens(tb testing.TB, v *vault.Vault, tenant authority.TenantID, f filed) (out []string) {
	tb.Helper()
	if o, err := v.Load(tb.Context(), f.application); err == nil && string(o.Body) == canary+f.id {
		out = append(out, "application")
	}
	if values, err := v.Facts(tb.Context(), f.id); err == nil && len(values) > 0 {
		out = append(out, "facts")
	}
	if s, err := v.OpenSubject(tb.Context(), f.subject); err == nil && s["name"] == canary {
		out = append(out, "subject")
	}
	if _, err := v.MAC(tb.Context(), tenant, f.id, nil); err == nil {
		out = append(out, "mac")
	}
	return out
}

// wantWhole checks that everything of a case opens, its decision record too.
func (b *bundle) wantWhole(tenant authority.TenantID, f filed) {
	b.tb.Helper()
	if got := opens(b.tb, b.vault, tenant, f); len(got) != 4 {
		b.tb.Errorf("of a case that nobody erased only %v opens", got)
	}
	b.wantProof(f)
}

// wantProof checks that the decision record of a case opens.
func (b *bundle) wantProof(f filed) {
	b.tb.Helper()
	if plain, err := b.vault.OpenLog(b.tb.Context(), f.logKey, f.logRecord, nil); err != nil || string(plain) != "decision of "+f.id {
		b.tb.Errorf("decision record: %q, %v", plain, err)
	}
}

// wantVerified checks every receipt and returns how many there are.
func (b *bundle) wantVerified() int64 {
	b.tb.Helper()
	v, err := b.ledger.Verify(b.tb.Context(), operator)
	if err != nil || !v.Valid {
		b.tb.Errorf("ledger %+v, %v", v, err)
	}
	return v.Receipts
}

// eraser is the operator's client.
func eraser() actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: "operator-bayern", Role: actor.OperatorAdmin}, Operator: operator}
}

// copied copies a directory as it lies there, write-ahead logs included, without asking anybody.
func copied(tb testing.TB, from string) string {
	tb.Helper()
	to := tb.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil && !errors.Is(err, fs.ErrExist) {
		tb.Fatal(err)
	}
	return to
}

func wantKind(tb testing.TB, err error, kind contracts.Kind) {
	tb.Helper()
	if err == nil || contracts.KindOf(err) != kind {
		tb.Fatalf("error %v, want kind %v", err, kind)
	}
}
