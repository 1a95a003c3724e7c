package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/broker/internal/next"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstoretest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// Version N serves alone, its database is migrated under it, a replica and a worker of N+1 join, N goes, N comes back, N+1
// throws its switch too early, and N+1 serves alone: under load, and nothing is lost, doubled or dead.
func TestTwoVersionsShareOneDatabaseOnPostgreSQL(t *testing.T) {
	t.Parallel()
	sqlstoretest.NeedPostgres(t)
	r := openRolling(t)
	worker, first, second := r.begin(r.leanHouse, "worker"), r.begin(r.leanHouse, "serve"), r.begin(r.leanHouse, "serve")
	r.lead(first, second)
	r.load()
	r.only("N", true, false)(r.carry(4))
	if out, code := r.next.run("migrate"); code != 0 {
		t.Fatalf("migrate: %s", out)
	}
	for _, p := range []*leanProcess{first, second} {
		if ready := p.status(r.api(p) + "/readyz"); ready != http.StatusOK {
			t.Errorf("N on the database of N+1: ready %d", ready)
		}
	}
	if out, code := r.run("migrate"); code != 0 {
		t.Errorf("N migrates a database of N+1: %s", out)
	}
	r.only("N on the database of N+1", true, false)(r.carry(3))

	r.lead(first)
	second.stop(func() {})
	third, newWorker := r.begin(r.next, "serve"), r.begin(r.next, "worker")
	r.lead(first, third)
	r.only("N and N+1", true, true)(r.carry(8))
	r.repeats(first, third)

	r.lead(third)
	first.stop(func() {})
	worker.stop(func() {})
	r.only("N+1", false, true)(r.carry(4))

	first, worker = r.begin(r.leanHouse, "serve"), r.begin(r.leanHouse, "worker")
	r.lead(first)
	third.stop(func() {})
	newWorker.stop(func() {})
	r.only("back to N", true, false)(r.carry(4))

	r.tooEarly(first, worker)
	r.close()
	r.customers.Wait()
	r.whole()
}

// tooEarly lets a worker emit the new version of an event while only N serves, which parks it; then N+1 alone takes it up.
func (r *rolling) tooEarly(first, worker *leanProcess) {
	r.t.Helper()
	r.begin(r.early, "worker")
	worker.stop(func() {})
	parked := `select count(*) from dead_letters where state = 'parked' and reason = 'unknown_type' and type = 'de.efa.case.acknowledged.v2'`
	r.until("an event of an unknown version is parked", func() bool { return r.count(parked) >= 2 })
	serve := r.begin(r.early, "serve")
	r.lead(serve)
	first.stop(func() {})
	r.until("what was parked is taken up", func() bool { return r.count(`select count(*) from dead_letters where state = 'parked'`) == 0 })
	r.only("N+1 with its switch", false, true)(r.carry(3))
}

// repeats repeats, at each version, an application and an answer that the other one recorded: both are answered alike.
func (r *rolling) repeats(older, newer *leanProcess) {
	r.t.Helper()
	answered := `from events e join tasks k on k.id = e.data::json ->> 'task_id' where e.type = 'de.efa.task.completed.v1' and k.step = 'register' and e.recorded_by = $1`
	for by, at := range map[string]*leanProcess{"": newer, next.Program: older} {
		r.until("an answer recorded by "+by, func() bool { return r.count(`select count(*) `+answered, by) > 0 })
		var raw []byte
		var office string
		if err := r.ledger.QueryRowContext(r.t.Context(), `select e.data, k.authority `+answered+` limit 1`, by).Scan(&raw, &office); err != nil {
			r.t.Fatal(err)
		}
		var d event.TaskCompleted
		if err := json.Unmarshal(raw, &d); err != nil {
			r.t.Fatal(err)
		}
		body := client.Outcome{Outcome: d.Outcome, Contents: &d.Contents}
		if d.Facts != nil {
			facts := map[string]any(d.Facts)
			body.Facts = &facts
		}
		if strings.Contains(string(raw), next.Program) != (by == next.Program) {
			r.t.Errorf("recorded by %q: %s", by, raw)
		}
		answer, err := r.as(r.api(at), office).CompleteTaskWithResponse(r.t.Context(), d.Task, body)
		if err != nil || answer.StatusCode() != http.StatusOK {
			r.t.Errorf("the answer that %q recorded, again at the other version: %v", by, err)
		}
		body.Outcome = "deregistered"
		if _, err := r.as(r.api(at), office).CompleteTaskWithResponse(r.t.Context(), d.Task, body); contracts.KindOf(err) != contracts.Conflict && contracts.KindOf(err) != contracts.Invalid {
			r.t.Errorf("another answer to the task that %q recorded: %v", by, err)
		}
	}
	r.mu.Lock()
	receipts := maps.Clone(r.receipts)
	r.mu.Unlock()
	pkg := packageOf(r.t, registration)
	application := example(r.t, pkg, exampleNames(pkg)[0])
	for id, had := range receipts {
		for _, at := range []*leanProcess{older, newer} {
			again, err := r.send(r.as(r.api(at), "portal-bayern"), client.Submission{SubmissionId: id, Service: string(registration), Region: muenchen, Application: application})
			if err != nil || again.Receipt != had.Receipt || again.CaseId != had.CaseId {
				r.t.Errorf("submission %s again: %+v, %v, had %+v", id, again, err, had)
			}
		}
	}
}

// whole looks at everything that the load brought about.
func (r *rolling) whole() {
	r.t.Helper()
	operator := r.as(r.street.URL, "operator-bayern")
	for _, receipt := range r.receipts {
		second := r.ended(operator, receipt.CaseId)
		if second == "" || r.ended(operator, second) != "" {
			r.t.Errorf("case %s opened %q", receipt.CaseId, second)
		}
	}
	opened := `select count(distinct c.id) from cases c join events o on o.case_id = c.id and o.case_seq = 1 join events e on e.case_id = c.id
		where o.recorded_by = $1 and e.recorded_by = $2 and e.type = 'de.efa.content.announced.v1'`
	for what, n := range map[string]int{
		"cases of N that a worker of N+1 went on with": r.count(opened, "", next.Program),
		"cases of N+1 that a worker of N went on with": r.count(opened, next.Program, ""),
		"cases of the definition of N":                 r.count(`select count(*) from events where type like 'de.efa.case.acknowledged.%' and data::json ->> 'step' = 'acknowledge'`),
		"cases of the definition of N+1":               r.count(`select count(*) from events where type like 'de.efa.case.acknowledged.%' and data::json ->> 'step' = 'certify'`),
		"letters that were taken up":                   r.count(`select count(*) from dead_letters where state = 'resent'`),
	} {
		r.t.Logf("%s: %d", what, n)
		if n == 0 {
			r.t.Errorf("%s: none", what)
		}
	}
	for what, n := range map[string]int{
		"letters that were not taken up": r.count(`select count(*) from dead_letters where state <> 'resent'`),
		"steps taken twice": r.count(`select count(*) from (select 1 from events where type in ('de.efa.task.assigned.v1', 'de.efa.content.announced.v1')
			group by case_id, type, data::json ->> 'step', data::json ->> 'pass', data::json ->> 'authority', data::json ->> 'role' having count(*) > 1) d`),
		"inboxes with gaps": r.count(`select count(*) from (select count(*) n, min(inbox_seq) low, max(inbox_seq) high
			from deliveries group by operator, authority) a where high - low + 1 <> n`),
		"events without receipt": r.count(`select count(*) from events e left join receipts r on r.case_id = e.case_id and r.seq = e.case_seq where r.seq is null`),
	} {
		if n != 0 {
			r.t.Errorf("%s: %d", what, n)
		}
	}
	for _, version := range []*leanHouse{r.leanHouse, r.next} {
		if out, code := version.run("ledger", "verify", "--server", r.street.URL, "--issuer", r.issuer); code != 0 {
			r.t.Errorf("verify: %s", out)
		}
	}
	if said := r.said(); strings.Contains(said, "TMPRL1100") || strings.Contains(strings.ToLower(said), "nondeterminis") {
		r.t.Errorf("a worker could not replay a history: %s", said)
	}
}

// only checks which of the versions recorded events.
func (r *rolling) only(stage string, older, newer bool) func(int, int) {
	return func(byOlder, byNewer int) {
		r.t.Helper()
		r.t.Logf("%s: %d events by N, %d by N+1", stage, byOlder, byNewer)
		if (byOlder > 0) != older || (byNewer > 0) != newer {
			r.t.Errorf("%s: %d events by N, %d by N+1", stage, byOlder, byNewer)
		}
	}
}
