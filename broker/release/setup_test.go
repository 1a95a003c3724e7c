package release_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/release"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/decision"
	"github.com/efa-broker/efa-broker/contracts/engine"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/service"
)

const (
	operator     = authority.OperatorID("bayern")
	registration = key.ServiceKey("99050012104000")
	basis        = "eu-gdpr:A6-1-c"
	inform       = "notice.inform"
	building     = authority.ID("bauamt-muenchen")
)

// bundle is a release over a fresh ledger database with one case, whose application is sealed in the vault's stand-in.
type bundle struct {
	*release.Release
	t          testing.TB
	db         *sqlstore.DB
	place      sqlstore.Config
	ledger     *ledger
	policy     *policy
	vault      *vault
	register   register
	deliveries *deliveries
	book       law.Book
	pkg        service.Package
	caseID     string
	appID      content.ID
	app        map[string]any
	logs       *bytes.Buffer
	allow      func(decision.AccessInput) bool
	mux        *http.ServeMux
}

// Law and package do not change after loading; all tests share them.
var (
	theLaw     = sync.OnceValues(law.Load)
	thePackage = sync.OnceValues(func() (service.Package, error) {
		packages, err := service.Load()
		if err != nil {
			return service.Package{}, err
		}
		return packages[slices.IndexFunc(packages, func(p service.Package) bool { return p.Service == registration })], nil
	})
)

var started = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

func setup(tb testing.TB) *bundle {
	tb.Helper()
	b := &bundle{t: tb, caseID: uuid.NewString(), appID: content.ID(uuid.NewString()), register: register{}, logs: &bytes.Buffer{}}
	clock := &clock{now: started}
	b.place = sqlstoretest.Place(tb)
	b.place.Now = clock.Now
	b.db = sqlstoretest.OpenConfig(tb, b.place)
	var err error
	b.book, err = theLaw()
	b.fatal(err)
	b.pkg, err = thePackage()
	b.fatal(err)
	b.ledger, b.deliveries = &ledger{db: b.db}, &deliveries{}
	b.policy = &policy{book: b.book, revision: "sha256:" + strings.Repeat("a", 64)}
	b.vault = newVault()
	b.allow = func(in decision.AccessInput) bool {
		return in.Relation != decision.Other && in.Relation != decision.Foreign
	}
	b.Release = release.New(release.Config{
		DB: b.db, Ledger: b.ledger, Decider: b.policy, Access: access{b}, Vault: b.vault, Law: b.book, Packages: shelf{b.pkg},
		Register: b.register, Deliveries: b.deliveries, Operator: operator, Log: slog.New(slog.NewJSONHandler(b.logs, nil)),
	})
	b.mux = http.NewServeMux()
	b.Mount(b.mux, httpserver.Errors{Logger: slog.New(slog.DiscardHandler)})
	b.insertCase()
	return b
}

func (b *bundle) fatal(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// insertCase fills the tables as ledger, casework and intake do for a business that moves to München.
func (b *bundle) insertCase() {
	b.t.Helper()
	var parties []authority.Party
	b.exec(`insert into tenants (id, operator, name) values ('muenchen', $1, 'Landeshauptstadt München')`, operator)
	for _, role := range b.pkg.Roles {
		id := b.office(role)
		parties = append(parties, authority.Party{Role: role, Authority: id})
		b.enrol(authority.Authority{ID: id, Operator: operator, Tenant: "muenchen", Kind: b.pkg.Kinds[role], Name: "Amt " + string(role)})
	}
	b.enrol(authority.Authority{ID: building, Operator: operator, Tenant: "muenchen", Kind: "building_authority", Name: "Bauamt"})
	raw, err := json.Marshal(parties)
	b.fatal(err)
	b.exec(`insert into cases (id, operator, tenant, service, package, definition, procedure_kind, lead, state, attention, submitter,
		facts, parties, case_seq, engine_seq, receipt_head, announcements, received_at)
		values ($1, $2, 'muenchen', $3, $4, '', 'notification', $5, 'received', '', 'portal-bayern', $6, $7, 0, 1, '', 0, $8)`,
		b.caseID, operator, registration, b.pkg.Hash, b.office(authority.Lead), `{"register":"commercial","full_move":true}`, string(raw), started)
	b.participate(authority.Lead)
	b.app = b.canaries()
	body, err := json.Marshal(b.app)
	b.fatal(err)
	b.vault.put(content.Object{
		Ref:      content.Ref{Content: b.appID, Kind: content.Application, Form: "gewa1", Digest: strings.Repeat("0", 64)},
		Operator: operator, Tenant: "muenchen", Case: b.caseID, MediaType: "application/json", Committed: true, Body: body,
	})
	b.vault.facts[b.caseID] = fact.Values{"foreign_trader": false}
}

func (b *bundle) enrol(a authority.Authority) {
	b.t.Helper()
	b.register[a.ID] = a
	b.exec(`insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark) values ($1, $2, $3, $4, $5, '09', '[]', false, 'verified')`,
		a.ID, a.Operator, a.Tenant, a.Kind, a.Name)
}

func (b *bundle) office(role authority.Role) authority.ID {
	return authority.ID(strings.ReplaceAll(string(role), "_", "-") + "-muenchen")
}

// participate lets the office of a role take part, as a task or an announcement does.
func (b *bundle) participate(role authority.Role) {
	b.t.Helper()
	b.exec(`insert into case_participation (case_id, authority, role, begins) values ($1, $2, $3, $4)`, b.caseID, b.office(role), role, started)
}

// canaries is the first example of the package with a value in each text that can be found anywhere.
func (b *bundle) canaries() map[string]any {
	b.t.Helper()
	names := slices.Sorted(maps.Keys(b.pkg.Examples))
	var app map[string]any
	b.fatal(json.Unmarshal(b.pkg.Examples[names[0]], &app))
	marked, ok := mark(app, "").(map[string]any)
	if !ok || len(b.pkg.FieldsOf(marked)) < 15 {
		b.t.Fatalf("example %s has only the fields %v", names[0], b.pkg.FieldsOf(marked))
	}
	return marked
}

func mark(value any, path string) any {
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			v[name] = mark(child, path+"/"+name)
		}
	case []any:
		for i, child := range v {
			v[i] = mark(child, path+"/"+string(rune('a'+i)))
		}
	case string:
		return "CANARY" + path + "/"
	}
	return value
}

// leaves collects the canaries in value.
func leaves(value any, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, child := range v {
			leaves(child, into)
		}
	case []any:
		for _, child := range v {
			leaves(child, into)
		}
	case string:
		into[v] = true
	}
}

func (b *bundle) exec(query string, args ...any) {
	b.t.Helper()
	b.fatal(b.db.Write(b.t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(b.t.Context(), query, args...)
		return err
	}))
}

// alter changes a table as its owner can.
func (b *bundle) alter(statement string) {
	b.t.Helper()
	_, err := sqlstoretest.Raw(b.t, b.place).ExecContext(b.t.Context(), statement)
	b.fatal(err)
}

func (b *bundle) count(query string, args ...any) (n int) {
	b.t.Helper()
	b.fatal(b.db.Read().QueryRowContext(b.t.Context(), query, args...).Scan(&n))
	return n
}

func (b *bundle) text(query string, args ...any) (s string) {
	b.t.Helper()
	b.fatal(b.db.Read().QueryRowContext(b.t.Context(), query, args...).Scan(&s))
	return s
}

func (b *bundle) viewer(id authority.ID) actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: string(id), Role: actor.System, Authority: id}, Tenant: "muenchen", Operator: operator}
}

func admin() actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: "operator-bayern", Role: actor.OperatorAdmin}, Operator: operator}
}

func portal(id string) actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: id, Role: actor.Portal}, Operator: operator}
}

// allFields are the fields of the form as the law numbers them, the signature too.
func (b *bundle) allFields() []string {
	var out []string
	for _, f := range b.book.FormFields("gewa1") {
		out = append(out, f.ID)
	}
	return out
}

func (b *bundle) row(role authority.Role) law.Row {
	b.t.Helper()
	rows := b.book.Rows(registration, role, started)
	if len(rows) != 1 {
		b.t.Fatalf("%d rows for %s", len(rows), role)
	}
	return rows[0]
}

func (b *bundle) ask(role authority.Role) release.FetchRequest {
	return release.FetchRequest{Fields: b.allFields(), Purpose: b.row(role).Purposes[0], Basis: basis}
}

// send sends a request through the mounted routes as v and returns status and body.
func (b *bundle) send(v actor.Viewer, method, path string, body any) (int, string) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	b.fatal(err)
	req := httptest.NewRequestWithContext(httpserver.WithViewer(b.t.Context(), v), method, path, bytes.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, req)
	answer, err := io.ReadAll(w.Result().Body)
	b.fatal(err)
	return w.Code, string(answer)
}

func (b *bundle) fetchPath(id content.ID) string { return "/v1/contents/" + string(id) + "/fetch" }

func wantKind(t *testing.T, err error, kind contracts.Kind) {
	t.Helper()
	if err == nil || contracts.KindOf(err) != kind {
		t.Fatalf("error %v, want kind %v", err, kind)
	}
}

func (b *bundle) announceAll(facts fact.Values) (engine.Result, error) {
	return b.Announce(b.t.Context(), engine.Announce{
		Command:  engine.Command{StepKey: engine.StepKey{Case: b.caseID, Step: "inform", Pass: 1}, AfterSeq: 1},
		Purposes: []string{inform, "statistics"}, Basis: basis, Facts: facts,
	})
}

// clock gives each question its own instant.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

type access struct{ b *bundle }

func (a access) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	return a.b.allow(in), nil
}

type register map[authority.ID]authority.Authority

func (r register) Authority(_ context.Context, id authority.ID) (authority.Authority, error) {
	a, ok := r[id]
	if !ok {
		return a, &contracts.Error{Kind: contracts.NotFound, Op: "find authority"}
	}
	return a, nil
}

type shelf []service.Package

func (s shelf) Package(_ context.Context, hash string) (release.Package, error) {
	for _, p := range s {
		if p.Hash == hash {
			return p, nil
		}
	}
	return nil, &contracts.Error{Kind: contracts.NotFound, Op: "find package"}
}

type deliveries struct {
	mu   sync.Mutex
	seen []string
	err  error
}

func (d *deliveries) Fetched(_ context.Context, _ *sqlstore.Tx, _ string, recipient authority.ID, _ content.ID, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, string(recipient))
	return d.err
}

var errBoom = errors.New("boom")
