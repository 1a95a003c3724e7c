package sqlstore_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

func TestTheReadingRoleSeesNothingWithoutASetting(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	db := sqlstoretest.OpenConfig(t, place)
	sqlstoretest.Exec(t, db, `insert into tenants (id, operator, name) values ('muenchen', 'bayern', 'M')`)
	sqlstoretest.Exec(t, db, `insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark) values ('a', 'bayern', 'muenchen', 'k', 'n', 'r', '[]', false, '')`)
	sqlstoretest.Exec(t, db, `insert into competences (operator, service, region, role, authority, begins) values ('bayern', '', '', 'lead', 'a', '2026-01-01')`)
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "c1"})
	sqlstoretest.Exec(t, db, `insert into case_links values ('c1', 'c2', 'opened')`)
	raw := sqlstoretest.Raw(t, place)
	tables := texts(t, raw, `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'goose%'`)
	tx, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var closed []string
	for _, table := range tables {
		var n int
		_, err := tx.ExecContext(t.Context(), `savepoint s; set local role efa_view`)
		if err == nil {
			err = tx.QueryRowContext(t.Context(), `select count(*) from `+table).Scan(&n)
		}
		if err != nil && strings.Contains(err.Error(), "42501") { // insufficient_privilege
			closed = append(closed, table)
		} else if err != nil {
			t.Errorf("%s: %v", table, err)
		}
		if n != 0 {
			t.Errorf("%s shows %d rows", table, n)
		}
		if _, err := tx.ExecContext(t.Context(), `rollback to s`); err != nil {
			t.Fatal(err)
		}
	}
	if len(closed) == len(tables) {
		t.Error("the role reads no table at all")
	}
	for _, table := range []string{"audit_lines", "case_holds", "contents", "receipt_keys", "outbox", "principals", "step_results", "subjects", "submissions"} {
		if !slices.Contains(closed, table) {
			t.Errorf("%s may be read", table)
		}
	}
}

func TestTheDatabaseShowsRepairsToTheOperatorAndActsToTheBodyConcernedToo(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	for _, row := range []string{
		`('erased', 'bayern', 'case.erase', 'c', 'muenchen', 'lead')`, `('rewrapped', 'bayern', 'key.rewrap', '', 'muenchen', '')`,
		`('elsewhere', 'hessen', 'case.erase', 'd', 'kassel', 'lead')`,
	} {
		sqlstoretest.Exec(t, db, `insert into privileged_acts (id, operator, kind, case_id, tenant, authority, reason, actor, at)
			select v.*, 'r', '{}', now() from (values `+row+`) v`)
	}
	sqlstoretest.InsertDeadLetter(t, db, sqlstoretest.DeadLetter{ID: "l", Consumer: "x", Case: "c", State: "dead"})
	sqlstoretest.Exec(t, db, `insert into reconciliations (id, operator, kind, state, actor, reason, revision, report, started_at, seen_at)
		values ('run', 'bayern', 'compare', 'done', '{}', '', 1, '{}', now(), now())`)
	viewer := func(role actor.Role, a authority.ID, tenant authority.TenantID) actor.Viewer {
		return actor.Viewer{Actor: actor.Actor{ID: "x", Role: role, Authority: a}, Tenant: tenant, Operator: "bayern"}
	}
	for name, c := range map[string]struct {
		viewer        actor.Viewer
		acts, repairs []string
	}{
		"operator":       {viewer(actor.OperatorAdmin, "", ""), []string{"erased", "rewrapped"}, []string{"l", "run"}},
		"lead":           {viewer(actor.System, "lead", "muenchen"), []string{"erased", "rewrapped"}, nil},
		"of the city":    {viewer(actor.CaseWorker, "bauamt", "muenchen"), []string{"rewrapped"}, nil},
		"another city":   {viewer(actor.System, "bauamt", "nuernberg"), nil, nil},
		"portal":         {viewer(actor.Portal, "", ""), nil, nil},
		"of no operator": {actor.Viewer{Actor: actor.Actor{Role: actor.OperatorAdmin}}, nil, nil},
	} {
		view(t, db, c.viewer, func(q sqlstore.Querier) {
			if got := texts(t, q, `select id from privileged_acts order by id`); !slices.Equal(got, c.acts) {
				t.Errorf("%s sees the acts %v, want %v", name, got, c.acts)
			}
			if got := texts(t, q, `select id from dead_letters union select id from reconciliations order by id`); !slices.Equal(got, c.repairs) {
				t.Errorf("%s sees the repairs %v, want %v", name, got, c.repairs)
			}
		})
	}
}

func TestNoRoleOfTheBrokerPassesByRowLevelSecurity(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	sqlstoretest.OpenConfig(t, place)
	raw := sqlstoretest.Raw(t, place)
	if open := texts(t, raw, `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'goose%'
		and not (relrowsecurity and relforcerowsecurity)`); len(open) != 0 {
		t.Errorf("tables without forced row-level security: %v", open)
	}
	if strong := texts(t, raw, `select rolname from pg_roles where rolname in ('efa_ledger', 'efa_view') and (rolsuper or rolbypassrls or rolcreaterole or rolcanlogin)`); len(strong) != 0 {
		t.Errorf("roles that may too much: %v", strong)
	}
	if written := texts(t, raw, `select table_name || ' ' || privilege_type from information_schema.role_table_grants where grantee = 'efa_view' and privilege_type <> 'SELECT'`); len(written) != 0 {
		t.Errorf("the reading role may %v", written)
	}
}

func texts(t *testing.T, q sqlstore.Querier, query string, args ...any) []string {
	t.Helper()
	out, err := sqlstore.Texts[string](t.Context(), q, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// view lets fn read for a viewer.
func view(t *testing.T, db *sqlstore.DB, v actor.Viewer, fn func(q sqlstore.Querier)) {
	t.Helper()
	if err := db.View(t.Context(), v, func(q sqlstore.Querier) error { fn(q); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestAViewReadsInTheRoleOfViewersAndTheNextUseDoesNot(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	v := actor.Viewer{Actor: actor.Actor{ID: "op", Role: actor.OperatorAdmin}, Operator: "bayern"}
	for range 30 { // every connection of the pool, more than once
		var in, after string
		if err := db.View(t.Context(), v, func(q sqlstore.Querier) error {
			return q.QueryRowContext(t.Context(), `select current_user || ' ' || current_setting('efa.operator')`).Scan(&in)
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Read().QueryRowContext(t.Context(), `select current_user || ' ' || coalesce(current_setting('efa.operator', true), '')`).Scan(&after); err != nil {
			t.Fatal(err)
		}
		if in != "efa_view bayern" || after != "efa_ledger " {
			t.Fatalf("in the view %q, after it %q", in, after)
		}
	}
}

// The owner of the tables migrates; programs work under a log-in that owns nothing.
func TestALogInWithoutRightsOfItsOwnServesButCannotMigrate(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	sqlstoretest.OpenConfig(t, place) // makes the roles
	admin := sqlstoretest.Raw(t, place)
	u, err := url.Parse(place.URL)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	owner, app := name+"_owner", name+"_app"
	for _, s := range []string{
		`create role ` + owner + ` login in role efa_ledger, efa_view`, `create role ` + app + ` login in role efa_ledger, efa_view`,
		`create database ` + name + `_own owner ` + owner,
	} {
		if _, err := admin.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, s := range []string{`drop database ` + name + `_own with (force)`, `drop role ` + owner, `drop role ` + app} {
			if _, err := admin.ExecContext(context.WithoutCancel(t.Context()), s); err != nil {
				t.Error(err)
			}
		}
	})
	as := func(user string, migrated bool) sqlstore.Config {
		at := *u
		at.User, at.Path = url.User(user), "/"+name+"_own"
		return sqlstore.Config{URL: at.String(), Migrated: migrated}
	}
	if _, err := sqlstore.Open(t.Context(), as(app, true)); contracts.KindOf(err) != contracts.Unavailable || err == nil {
		t.Errorf("an empty database opens: %v", err)
	}
	sqlstoretest.OpenConfig(t, as(owner, false))
	db := sqlstoretest.OpenConfig(t, as(app, true))
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "c1"})
	if shown := texts(t, db.Read(), `select id from cases`); len(shown) != 1 {
		t.Errorf("the program sees %v", shown)
	}
	// A later migration changes data: the owner is under row-level security too and yet reaches every row.
	if moved := texts(t, sqlstoretest.Raw(t, as(owner, false)), `update cases set lead = 'x' returning id`); len(moved) != 1 {
		t.Errorf("the owner reaches %v", moved)
	}
	for operator, want := range map[authority.OperatorID]int{"bayern": 1, "hessen": 0} {
		v := actor.Viewer{Actor: actor.Actor{ID: "op", Role: actor.OperatorAdmin}, Operator: operator}
		if err := db.View(t.Context(), v, func(q sqlstore.Querier) error {
			if shown := texts(t, q, `select id from cases`); len(shown) != want {
				t.Errorf("the operator %s sees %v", operator, shown)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec(t.Context(), `alter table cases add column x text`)
		return err
	}); err == nil {
		t.Error("the program can change tables")
	}
}

func TestSeveralProcessesMigrateOneDatabaseTogether(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstore.Config{URL: sqlstoretest.Database(t)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := sqlstore.Open(t.Context(), place)
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	place.Migrated = true
	sqlstoretest.OpenConfig(t, place)
}

func TestATransactionThatLosesIsRunAgain(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "a"})
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "b"})
	var runs, commits atomic.Int32
	var both sync.WaitGroup // each holds its first row before one asks for the other's: a certain deadlock
	both.Add(2)
	crossing := func(first, second string) func() {
		var once sync.Once
		return func() {
			if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
				runs.Add(1)
				tx.AfterCommit(func() { commits.Add(1) })
				for i, id := range []string{first, second} {
					if _, err := tx.Exec(t.Context(), `update cases set announcements = announcements + 1 where id = $1`, id); err != nil {
						return err
					}
					if i == 0 {
						once.Do(func() { both.Done(); both.Wait() })
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(crossing("a", "b"))
	wg.Go(crossing("b", "a"))
	wg.Wait()
	var sum int
	if err := db.Read().QueryRowContext(t.Context(), `select sum(announcements) from cases`).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if runs.Load() != 3 || commits.Load() != 2 || sum != 4 {
		t.Errorf("%d runs, %d commits, sum %d; want 3, 2, 4", runs.Load(), commits.Load(), sum)
	}
}

func TestARowThatAnotherTransactionInsertedFirstIsFoundByTheSecondRun(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	var looked, inserted sync.WaitGroup // both look, then both insert
	looked.Add(2)
	for range 2 {
		inserted.Go(func() {
			var once sync.Once
			if err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
				var n int
				if err := tx.QueryRowContext(t.Context(), `select count(*) from tenants where id = 't'`).Scan(&n); err != nil || n > 0 {
					return err
				}
				once.Do(func() { looked.Done(); looked.Wait() })
				return tx.Put(t.Context(), `insert into tenants (id, operator, name) values ('t', 'o', 'n')`)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	inserted.Wait()
	if rows := texts(t, db.Read(), `select id from tenants`); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
}

func TestTheClockIsTheDatabasesAndAMachineThatIsOffWritesNothing(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	var off atomic.Int64 // milliseconds
	place := sqlstoretest.Place(t)
	place.Machine = func() time.Time { return time.Now().Add(time.Duration(off.Load()) * time.Millisecond) }
	write := func(tx *sqlstore.Tx) error {
		var theirs time.Time
		if err := tx.QueryRowContext(t.Context(), `select clock_timestamp()`).Scan(&theirs); err != nil {
			return err
		}
		if d := theirs.Sub(tx.Now()); d.Abs() > 500*time.Millisecond {
			return errors.New("the transaction's instant is " + d.String() + " off the database's clock")
		}
		return nil
	}
	for _, c := range []struct {
		off  int64
		want bool
	}{{0, true}, {900, true}, {1_100, false}, {-3_600_000, false}, {3_600_000, false}} {
		off.Store(c.off)
		db := sqlstoretest.OpenConfig(t, place)
		for op, err := range map[string]error{"write": db.Write(t.Context(), write), "ping": db.Ping(t.Context())} {
			if c.want != (err == nil) || !c.want && contracts.KindOf(err) != contracts.Unavailable {
				t.Errorf("%d ms off: %s: %v", c.off, op, err)
			}
		}
	}
}

// A suspended machine wakes with a monotonic clock that stood still: then its wall clock says that the comparison is old.
func TestAMachineThatWakesComparesItsClockBeforeItWrites(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	var asleep atomic.Bool
	place := sqlstoretest.Place(t)
	place.Machine = func() time.Time {
		if asleep.Load() {
			return time.Now().Add(time.Hour)
		}
		return time.Now()
	}
	db := sqlstoretest.OpenConfig(t, place)
	write := func() error { return db.Write(t.Context(), func(*sqlstore.Tx) error { return nil }) }
	if err := write(); err != nil {
		t.Fatal(err)
	}
	asleep.Store(true)
	if err := write(); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("want unavailable before anything is written, got %v", err)
	}
}

func TestALostConnectionIsUnavailableAndTheNextOneServes(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	db := sqlstoretest.OpenConfig(t, place)
	raw := sqlstoretest.Raw(t, place)
	err := db.Write(t.Context(), func(tx *sqlstore.Tx) error {
		if _, err := tx.Exec(t.Context(), `select 1`); err != nil {
			return err
		}
		if _, err := raw.ExecContext(t.Context(), `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and application_name = 'efa-broker'`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `insert into tenants (id, operator, name) values ('t', 'o', 'n')`)
		return err
	})
	if contracts.KindOf(err) != contracts.Unavailable || err == nil {
		t.Errorf("want unavailable, got %v", err)
	}
	sqlstoretest.Exec(t, db, `insert into tenants (id, operator, name) values ('t', 'o', 'n')`)
	var n int
	if err := db.Read().QueryRowContext(t.Context(), `select count(*) from tenants`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestADatabaseOutOfReachIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: "postgres://efa:geheim@127.0.0.1:1/efa?sslmode=disable"})
	if contracts.KindOf(err) != contracts.Unavailable || err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}

func TestATextThatCannotBeStoredIsInvalid(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := open(t)
	err := db.Read().QueryRowContext(t.Context(), `select id from tenants where id = $1`, "a\x00b").Scan(new(string))
	if contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestADatabaseThatAnswersBeforeTheDiskIsRefused(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	place.URL += "&synchronous_commit=off"
	if _, err := sqlstore.Open(t.Context(), place); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestAnAnnouncementReachesTheOtherProcess(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	place := sqlstoretest.Place(t)
	here, there := sqlstoretest.OpenConfig(t, place), sqlstoretest.OpenConfig(t, place)
	raw := sqlstoretest.Raw(t, place)
	listening := func(want int) {
		for len(texts(t, raw, `select pid::text from pg_stat_activity where datname = current_database() and query = 'listen efa_changed' and state = 'idle'`)) != want {
			if err := t.Context().Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	listening(2)
	for _, topic := range []sqlstore.Topic{sqlstore.Events, sqlstore.Inboxes} {
		changed := there.Changed(topic)
		here.Announce(topic)
		<-changed
	}
	// Whoever waits is woken when the connection is lost and there again: something may have been missed.
	changed := there.Changed(sqlstore.Events)
	texts(t, raw, `select pg_terminate_backend(pid, 5000)::text from pg_stat_activity where datname = current_database() and query = 'listen efa_changed'`)
	<-changed
	listening(2)
	changed = here.Changed(sqlstore.Events)
	there.Announce(sqlstore.Events)
	<-changed
}
