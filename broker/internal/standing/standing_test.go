package standing_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/decision"
)

const someCases = 60

// fill writes cases of two operators, with links and participations at random.
func fill(t *testing.T, db *sqlstore.DB) []string {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	ids := make([]string, 0, someCases)
	for i := range someCases {
		id := fmt.Sprintf("case-%02d", i)
		sqlstoretest.InsertCase(t, db, sqlstoretest.Case{
			ID: id, Operator: pick("bayern", "bayern", "hessen"), Lead: pick("amt-a", "amt-b"), Submitter: pick("portal-1", "portal-2", "amt-a"),
		})
		if rng.IntN(3) == 0 {
			sqlstoretest.Exec(t, db, `insert into case_participation (case_id, authority, role, begins, ends) values ($1, $2, 'r', '2026-01-01', $3)`,
				id, pick("amt-a", "amt-b", "amt-c"), map[bool]any{true: "2026-02-01", false: nil}[rng.IntN(4) == 0])
		}
		if i > 0 && rng.IntN(2) == 0 {
			opener := ids[rng.IntN(len(ids))]
			sqlstoretest.Exec(t, db, `insert into case_links (case_id, linked, relation) values ($1, $2, 'opened'), ($2, $1, 'opened_by')`, opener, id)
		}
		ids = append(ids, id)
	}
	return ids
}

func TestAListHoldsExactlyTheCasesThatOneMaySeeAloneAsWell(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	ids := fill(t, db)
	for _, v := range viewers() {
		listed := list(t, db, v)
		for _, id := range ids {
			rel, err := standing.ToCase(t.Context(), db.Read(), v, id)
			if err != nil {
				t.Fatal(err)
			}
			alone := rel != decision.Other && rel != decision.Foreign
			if alone != listed[id] {
				t.Errorf("%s %s: alone %v (%s), in the list %v", v.Role, v.ID, alone, rel, listed[id])
			}
		}
	}
}

// What the database itself shows to a Viewer, without any condition in the query, is what the policy of the broker says.
func TestTheDatabaseShowsAViewerExactlyItsCases(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	db := sqlstoretest.Open(t)
	fill(t, db)
	for _, v := range viewers() {
		var shown, linked int
		if err := db.View(t.Context(), v, func(q sqlstore.Querier) error {
			return errors.Join(
				q.QueryRowContext(t.Context(), `select count(*) from cases`).Scan(&shown),
				q.QueryRowContext(t.Context(), `select count(*) from case_links l where not exists (select 1 from cases c where c.id = l.case_id)`).Scan(&linked),
			)
		}); err != nil {
			t.Fatal(err)
		}
		if want := len(list(t, db, v)); shown != want || linked != 0 {
			t.Errorf("%s %s sees %d cases, may see %d; %d links of others", v.Role, v.ID, shown, want, linked)
		}
	}
}

func viewers() []actor.Viewer {
	return []actor.Viewer{
		viewer("portal-1", actor.Portal, ""), viewer("portal-2", actor.Portal, ""), viewer("nobody", actor.Portal, ""),
		viewer("amt-a", actor.System, "amt-a"), viewer("w", actor.CaseWorker, "amt-b"), viewer("amt-c", actor.System, "amt-c"),
		viewer("op", actor.OperatorAdmin, ""), viewer("engine", actor.Engine, ""),
	}
}

func viewer(id string, role actor.Role, a authority.ID) actor.Viewer {
	return actor.Viewer{Actor: actor.Actor{ID: id, Role: role, Authority: a}, Operator: "bayern"}
}

func list(t *testing.T, db *sqlstore.DB, v actor.Viewer) map[string]bool {
	t.Helper()
	condition, args := standing.VisibleCases(v, 1)
	rows, err := db.Read().QueryContext(t.Context(), `select c.id from cases c where `+condition, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

type onlyOwn struct{}

func (onlyOwn) Allow(_ context.Context, in decision.AccessInput) (bool, error) {
	return in.Relation == decision.Own, nil
}

func TestWhatOneMustNotKnowIsAnsweredLikeWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	sqlstoretest.InsertCase(t, db, sqlstoretest.Case{ID: "hidden", Submitter: "somebody"})
	gate := standing.Gate{Access: onlyOwn{}}
	v := viewer("portal-1", actor.Portal, "")
	_, hidden := gate.Case(t.Context(), db.Read(), v, "hidden", decision.CaseRead)
	_, absent := gate.Case(t.Context(), db.Read(), v, "absent", decision.CaseRead)
	if contracts.KindOf(hidden) != contracts.NotFound || hidden.Error() != absent.Error() {
		t.Errorf("hidden: %v; absent: %v", hidden, absent)
	}
	if err := gate.Collection(t.Context(), v, decision.CaseList); contracts.KindOf(err) != contracts.Denied {
		t.Errorf("collection: %v", err)
	}
}
