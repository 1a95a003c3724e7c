package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/assembly"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/law"
	"github.com/efa-broker/efa-broker/contracts/service"
	"github.com/efa-broker/efa-broker/contracts/task"
	"github.com/efa-broker/efa-broker/workflows/localtemporal"
)

const silence key.ServiceKey = "local:silence"

// holders are the offices of the three tasks.
var holders = map[string]string{"deemed": "gewerbeamt-muenchen", "disregardable": "ihk-muenchen", "nothing": "finanzamt-muenchen"}

// ledgerClock is the clock of the ledger: an hour behind this machine's, by which the engine sets its timers, until a test
// sets it. So the ledger's due instant lies an hour after the receipt, and the engine's timer fires after seconds.
type ledgerClock struct{ at atomic.Pointer[time.Time] }

func (c *ledgerClock) Now() time.Time {
	if at := c.at.Load(); at != nil {
		return *at
	}
	return time.Now().Add(-time.Hour)
}

func (c *ledgerClock) set(at time.Time) { c.at.Store(&at) }

// soon makes every task due an hour and two seconds after its start, instead of the days of the record.
func soon(_ law.DeadlineRecord, start time.Time) *time.Time {
	due := start.Add(time.Hour + 2*time.Second)
	return &due
}

// silent is a standalone broker that offers the service of silence besides those of the product, with a clock that stands
// once it is set.
func silent(t *testing.T, more ...func(*assembly.Config)) (*house, *ledgerClock) {
	t.Helper()
	clock := &ledgerClock{}
	return under(t, clock.Now, more...), clock
}

// under is silent under a clock that may go on.
func under(t *testing.T, now func() time.Time, more ...func(*assembly.Config)) *house {
	t.Helper()
	return on(t, options(t.TempDir()), now, more...)
}

// on is under with settings of one's own.
func on(t *testing.T, cfg config.Standalone, now func() time.Time, more ...func(*assembly.Config)) *house {
	t.Helper()
	log := &lockedBuffer{}
	p := &program{cfg: cfg, log: slog.New(slog.NewJSONHandler(log, nil))}
	book, err := law.Load()
	if err != nil {
		t.Fatal(err)
	}
	if book, err = book.With(records(), rows()); err != nil {
		t.Fatal(err)
	}
	own, err := service.LoadFrom(os.DirFS("testdata/silence"), book)
	if err != nil {
		t.Fatal(err)
	}
	p.adjust = func(c *assembly.Config) {
		c.Now, c.Law, c.Due, c.Packages = now, &book, soon, own
		for _, change := range more {
			change(c)
		}
	}
	if err := p.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &house{tb: t, program: p, log: log}
	t.Cleanup(h.stop)
	return h
}

// records are the law of the test: one record for each effect of silence.
func records() []law.DeadlineRecord {
	record := func(id, basis string, effect law.SilenceEffect) law.DeadlineRecord {
		return law.DeadlineRecord{
			ID: id, Instrument: "test", LegalBasis: basis, Jurisdiction: "DE", Days: 1, StartEvent: "receipt", SilenceEffect: effect,
			Begins: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), Mark: "design",
		}
	}
	return []law.DeadlineRecord{
		record("test-deemed", "BauGB § 36(2)", law.DeemedGranted), record("test-disregardable", "BayBO Art. 65", law.Disregardable),
		record("test-nothing", "GewO § 15(1)", law.None),
	}
}

// rows let the three offices know of the case.
func rows() []law.Row {
	row := func(role authority.Role, kind authority.Kind, purpose string) law.Row {
		return law.Row{
			Service: silence, Form: "silence", Role: role, Kind: kind, Basis: "eu-gdpr:A6-1-c", Norm: "test", Jurisdiction: "DE",
			Begins: time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC), Purposes: []string{purpose},
			Fields: map[string]string{"silence.1": "activity"}, Retain: "P2Y", Mark: "design",
		}
	}
	return []law.Row{
		row(authority.Lead, "trade_office", "notice.register"), row("chamber_of_commerce", "chamber_of_commerce", "notice.inform"),
		row("tax_office", "tax_office", "notice.inform"),
	}
}

// apply files an application and returns the case, its tasks by step, and the instant at which they are due.
func (h *house) apply() (caseID string, tasks map[string]string, due time.Time) {
	h.tb.Helper()
	receipt, tasks, due := h.file()
	if want := *soon(law.DeadlineRecord{}, receipt.ReceivedAt); !due.Equal(want) {
		h.tb.Errorf("due %s, want %s after the receipt", due, want)
	}
	return receipt.CaseId, tasks, due
}

// file is apply under any period.
func (h *house) file() (receipt client.SubmissionReceipt, tasks map[string]string, due time.Time) {
	h.tb.Helper()
	answer, err := h.as("portal-bayern").SubmitApplicationWithResponse(h.tb.Context(), client.Submission{
		SubmissionId: uuid.NewString(), Service: string(silence), Region: muenchen, Application: map[string]any{"subject": "x", "place": muenchen},
	})
	if err != nil {
		h.tb.Fatal(err)
	}
	if receipt, err = client.Value(answer, answer.JSON201); err != nil {
		h.tb.Fatal(err)
	}
	events := h.events(receipt.CaseId, func(all []event.Recorded) bool { return count(all, event.TypeTaskAssigned) == len(holders) })
	tasks = map[string]string{}
	for _, e := range events {
		if e.Type == event.TypeTaskAssigned {
			d := decode[event.TaskAssigned](h.tb, e)
			tasks[d.Step], due = d.Task, *d.Deadline.Due
		}
	}
	return receipt, tasks, due
}

func count(events []event.Recorded, typ string) int {
	n := 0
	for _, e := range events {
		if e.Type == typ {
			n++
		}
	}
	return n
}

// say answers a task for its holder over HTTP.
func (h *house) say(step, id, outcome string) error {
	h.tb.Helper()
	answer, err := h.as(holders[step]).CompleteTaskWithResponse(h.tb.Context(), id, client.Outcome{Outcome: outcome})
	if err != nil {
		return err
	}
	_, err = client.Value(answer, answer.JSON200)
	return err
}

// state reads a task as its holder sees it.
func (h *house) state(step, id string) task.State {
	h.tb.Helper()
	answer, err := h.as(holders[step]).GetTaskWithResponse(h.tb.Context(), id)
	if err != nil {
		h.tb.Fatal(err)
	}
	got, err := client.Value(answer, answer.JSON200)
	if err != nil {
		h.tb.Fatal(err)
	}
	return got.State
}

// silences lists what the events say about silence, in their order.
func silences(tb testing.TB, events []event.Recorded) []string {
	tb.Helper()
	var out []string
	for _, e := range events {
		switch e.Type {
		case event.TypeTaskExpired:
			out = append(out, "expired "+decode[event.TaskExpired](tb, e).Step)
		case event.TypeTaskCompleted:
			out = append(out, "completed "+decode[event.TaskCompleted](tb, e).Step)
		case event.TypeCaseEscalated:
			out = append(out, decode[event.CaseEscalated](tb, e).Reason+" "+decode[event.CaseEscalated](tb, e).Step)
		case event.TypeCaseAcknowledged:
			out = append(out, "both by silence")
		}
	}
	return out
}

func closed(events []event.Recorded) bool { return count(events, event.TypeCaseClosed) == 1 }

// TestSilenceMeansWhatTheLawSays lets three offices be silent beyond the due instant, and answer then.
func TestSilenceMeansWhatTheLawSays(t *testing.T) {
	t.Parallel()
	h, clock := silent(t)
	silenceSpeaks(t, h, clock)
}

func silenceSpeaks(t *testing.T, h *house, clock *ledgerClock) {
	t.Helper()
	caseID, tasks, due := h.apply()
	clock.set(due.Add(time.Minute)) // the engine's timer fires by its own clock, in two seconds
	events := h.events(caseID, func(all []event.Recorded) bool {
		return count(all, event.TypeTaskExpired) == 2 && count(all, event.TypeCaseEscalated) == 1
	})
	for _, e := range events {
		if e.Type != event.TypeTaskExpired {
			continue
		}
		if d := decode[event.TaskExpired](t, e); !d.Expired.Equal(due) || !e.Time.After(due) {
			t.Errorf("%s expired at %s, recorded at %s, due %s", d.Step, d.Expired, e.Time, due)
		}
	}
	got := silences(t, events)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"expired deemed", "expired disregardable", "overdue nothing"}, got); diff != "" {
		t.Errorf("silence: %s", diff)
	}
	states := map[string]task.State{"deemed": task.Expired, "disregardable": task.Expired, "nothing": task.Assigned}
	for step, want := range states {
		if s := h.state(step, tasks[step]); s != want {
			t.Errorf("%s is %s, want %s", step, s, want)
		}
	}
	if err := h.say("deemed", tasks["deemed"], "objected"); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("an objection after silence was deemed a yes: %v", err)
	}
	if err := h.say("disregardable", tasks["disregardable"], "objected"); err != nil {
		t.Errorf("a late answer is not recorded: %v", err)
	}
	if err := h.say("nothing", tasks["nothing"], "agreed"); err != nil {
		t.Errorf("an overdue answer is refused: %v", err)
	}
	after := silences(t, h.events(caseID, closed))[3:]
	if diff := cmp.Diff([]string{"completed disregardable", "completed nothing", "both by silence"}, after); diff != "" {
		t.Errorf("after the due instant: %s", diff)
	}
	h.verified()
}

// TestAnAnswerInTimeWinsWhileTheEngineIsDown stops the process engine before the due instant and starts it again after it,
// on its files or on none. Offices answer over HTTP meanwhile, a millisecond before and after.
func TestAnAnswerInTimeWinsWhileTheEngineIsDown(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"kept": false, "emptied": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, clock := silent(t)
			answersInTimeWin(t, h, clock, lost)
		})
	}
}

func answersInTimeWin(t *testing.T, h *house, clock *ledgerClock, lost bool) {
	t.Helper()
	caseID, tasks, due := h.apply()
	otherCase, otherTasks, otherDue := h.apply()
	if err := h.program.engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.set(due.Add(-time.Millisecond))
	if err := h.say("deemed", tasks["deemed"], "objected"); err != nil {
		t.Errorf("a millisecond before: %v", err)
	}
	clock.set(due.Add(time.Millisecond))
	if err := h.say("nothing", tasks["nothing"], "agreed"); err != nil {
		t.Errorf("overdue: %v", err)
	}
	if err := h.say("disregardable", tasks["disregardable"], "objected"); contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("recorded before it was certain that nothing else had come in time: %v", err)
	}
	clock.set(otherDue.Add(time.Millisecond))
	if err := h.say("deemed", otherTasks["deemed"], "objected"); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("a millisecond after: %v", err)
	}
	clock.set(otherDue.Add(10 * time.Second))
	if err := h.say("disregardable", tasks["disregardable"], "objected"); err != nil {
		t.Errorf("a late answer that may be disregarded: %v", err)
	}
	if err := h.say("nothing", otherTasks["nothing"], "agreed"); err != nil {
		t.Errorf("overdue: %v", err)
	}
	if lost {
		lose(t, h.program.cfg.Data, "temporal")
	}
	h.restartEngine(t)
	want := []string{"completed deemed", "completed nothing", "expired disregardable", "completed disregardable"}
	if diff := cmp.Diff(want, silences(t, h.events(caseID, closed))); diff != "" {
		t.Errorf("one objected in time: %s", diff)
	}
	want = []string{"completed nothing", "expired deemed", "expired disregardable", "both by silence"}
	if diff := cmp.Diff(want, silences(t, h.events(otherCase, closed))); diff != "" {
		t.Errorf("one objected too late: %s", diff)
	}
	h.verified()
}

// restartEngine starts the process engine again on its files, at its address.
func (h *house) restartEngine(t *testing.T) {
	t.Helper()
	_, text, err := net.SplitHostPort(h.program.temporalAddr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	h.program.engine = localtemporal.New(localtemporal.Config{Dir: h.program.dir("temporal"), Port: port, Logger: h.program.log})
	if err := h.program.engine.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}
