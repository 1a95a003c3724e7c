package backoffice_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/backofficetest"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/delivery"
)

// desk is a handler that notes what it was given and answers from a script.
type desk struct {
	mu     sync.Mutex
	given  []string
	script []error
	done   chan string
}

func newDesk(script ...error) *desk { return &desk{script: script, done: make(chan string, 100)} }

func (d *desk) Task(_ context.Context, _ backoffice.Port, item delivery.Item) error {
	return d.take("task " + item.ID)
}

func (d *desk) Announcement(_ context.Context, _ backoffice.Port, item delivery.Item) error {
	return d.take("announcement " + item.ID)
}

func (d *desk) take(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.given = append(d.given, what)
	d.done <- what
	if len(d.script) == 0 {
		return nil
	}
	err := d.script[0]
	d.script = d.script[1:]
	return err
}

func (d *desk) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.given)
}

// memory is a journal that a test can look into and break.
type memory struct {
	mu     sync.Mutex
	cursor string
	done   []string
	broken error
}

func (m *memory) Load() (string, []string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursor, slices.Clone(m.done), m.broken
}

func (m *memory) Record(cursor, deliveryID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.cursor = cursor
	if deliveryID != "" {
		m.done = append(m.done, deliveryID)
	}
	return nil
}

// run starts a runner and returns what stops it.
func run(t *testing.T, b *backofficetest.Broker, d *desk, j backoffice.Journal) (stop func() error) {
	t.Helper()
	r, err := backoffice.New(backoffice.Config{Authority: "zoll", Port: b, Handler: d, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func fault(k contracts.Kind) error { return contracts.Errorf(k, "handle", "as the test says") }

func TestRunnerHandlesEachItemOnceAndGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, d, j := backofficetest.NewBroker("zoll"), newDesk(), &memory{}
		b.Announce(delivery.Item{ID: "d1"})
		b.Announce(delivery.Item{ID: "d2", Kind: delivery.TaskItem, Task: "c.register.1"})
		stop := run(t, b, d, j)
		<-d.done
		<-d.done
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.Announce(delivery.Item{ID: "d3"})
		stop = run(t, b, d, j)
		<-d.done
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"announcement d1", "task d2", "announcement d3"}, d.seen()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRunnerAnswersAgainWhatARestoreOfTheBrokerLost restores a broker that has the answer to one item and lost two.
func TestRunnerAnswersAgainWhatARestoreOfTheBrokerLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, d, j := backofficetest.NewBroker("zoll"), newDesk(), &memory{}
		b.Announce(delivery.Item{ID: "answered"})
		b.Announce(delivery.Item{ID: "lost"})
		b.Announce(delivery.Item{ID: "task", Kind: delivery.TaskItem, Task: "c.register.1"})
		stop := run(t, b, d, j)
		for range 3 {
			<-d.done
		}
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := b.Confirm(t.Context(), "answered", delivery.Undecodable); err != nil {
			t.Fatal(err)
		}
		b.Restore()
		b.Announce(delivery.Item{ID: "new"})
		for _, cursor := range []string{j.cursor, ""} { // from before the restore, and from the start with everything
			j.cursor = cursor
			d.given = nil
			stop := run(t, b, d, j)
			for range 3 {
				<-d.done
			}
			synctest.Wait()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"announcement lost", "task task", "announcement new"}, d.seen()); diff != "" {
				t.Errorf("from cursor %q: %s", cursor, diff)
			}
		}
	})
}

func TestRunnerTriesAsTheVerdictSays(t *testing.T) {
	t.Parallel()
	for kind := contracts.Internal; kind <= contracts.Unavailable; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, j := backofficetest.NewBroker("zoll"), &memory{}
				d := newDesk(slices.Repeat([]error{fault(kind)}, 7)...)
				b.Announce(delivery.Item{ID: "d1"})
				began := time.Now()
				stop := run(t, b, d, j)
				<-time.After(time.Minute) // of the bubble's clock: long enough for every pause
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				wanted := map[backoffice.Verdict]int{
					backoffice.Retry: 8, backoffice.RetryThenGiveUp: 5, backoffice.Done: 1, backoffice.GiveUp: 1,
				}[backoffice.VerdictOf(kind)]
				if got := len(d.seen()); got != wanted {
					t.Errorf("tried %d times within %s, want %d", got, time.Since(began), wanted)
				}
				if !slices.Contains(j.done, "d1") {
					t.Error("the inbox did not go on")
				}
			})
		})
	}
}

func TestRunnerPausesTwiceAsLongEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, d := backofficetest.NewBroker("zoll"), newDesk()
		b.Fail(contracts.Unavailable, contracts.Unavailable, contracts.Internal)
		b.Announce(delivery.Item{ID: "d1"})
		began := time.Now()
		stop := run(t, b, d, &memory{})
		<-d.done
		if got, wanted := time.Since(began), 1400*time.Millisecond; got != wanted { // 200 + 400 + 800
			t.Errorf("the item came after %s, want %s", got, wanted)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRunnerRejectsWhatTheHandlerCannotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backofficetest.NewBroker("zoll")
		d := newDesk(&backoffice.UnreadableError{Reason: delivery.SchemaViolation, Err: errors.New("field 18 is missing")})
		b.Announce(delivery.Item{ID: "d1"})
		stop := run(t, b, d, &memory{})
		<-d.done
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if state, why := b.State("d1"); state != delivery.Rejected || why != delivery.SchemaViolation {
			t.Errorf("delivery is %s %s, want rejected schema_violation", state, why)
		}
	})
}

func TestRunnerEndsWhenItsJournalIsBroken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk full")
		b, d := backofficetest.NewBroker("zoll"), newDesk()
		b.Announce(delivery.Item{ID: "d1"})
		r, err := backoffice.New(backoffice.Config{Port: b, Handler: d, Journal: &memory{broken: broken}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("got %v, want the journal's error", err)
		}
		if len(d.seen()) != 0 {
			t.Error("an item was handled without a journal")
		}
	})
}

func TestRunnerStartsAndStopsUnderLoad(t *testing.T) {
	t.Parallel()
	b := backofficetest.NewBroker("zoll")
	j := backoffice.NewFileJournal(filepath.Join(t.TempDir(), "inbox.jsonl"))
	for i := range 20 {
		d := newDesk()
		stop := run(t, b, d, j)
		item := b.Announce(delivery.Item{})
		for got := ""; got != "announcement "+item.ID; {
			got = <-d.done
		}
		if err := stop(); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
}

func TestNewRefusesARunnerWithoutParts(t *testing.T) {
	t.Parallel()
	if _, err := backoffice.New(backoffice.Config{}); contracts.KindOf(err) != contracts.Invalid {
		t.Errorf("got %v, want invalid", err)
	}
}
