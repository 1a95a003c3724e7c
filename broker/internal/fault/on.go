//go:build faults

package fault

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Points lists every crash point.
func Points() []Point {
	return []Point{
		IntakeReceived, IntakeSealed, IntakeCommitted, LedgerAppended, AnswerCommitted, IngressChecked, IngressCommitted, RelayRead,
		RelayPublished, StarterReceived, StarterSignalled, StepCommitted, DeliveryNumbered, DeliveryCommitted, ReleaseDecided,
		ReleaseRecorded, DeadletterWritten, ErasureJournalled, ErasureKeyDeleted, ErasureRewrapped,
	}
}

// Mutants lists every mutant.
func Mutants() []Mutant {
	return []Mutant{
		NoDedupe, PublishBeforeCommit, SkipAnnouncementDecision, SkipFetchDecision, ReleaseUnfiltered, DropOutboxRow, SwapEvents,
		ContentInEvent, WrongTenant,
	}
}

// Breakdowns lists every breakdown.
func Breakdowns() []Breakdown { return []Breakdown{StarterPanics, DeliveryPanics} }

// Variables of the environment.
const (
	EnvCrash  = "FAULT_CRASH"
	EnvMutant = "FAULT_MUTANT"
	EnvPanic  = "FAULT_PANIC"
)

// Crash kills the process when FAULT_CRASH names p and this is the pass that it names.
func Crash(p Point) {
	if !crash().at(string(p)) {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // the signal is on its way
}

// Mutated reports whether FAULT_MUTANT names m and this is a pass that it names.
func Mutated(m Mutant) bool { return mutant().at(string(m)) }

// Panic panics when FAULT_PANIC names b and event is the one that came at the pass that it names, then and whenever that event
// comes again.
func Panic(b Breakdown, event string) {
	if breakdown().poisoned(string(b), event) {
		panic("fault: " + string(b))
	}
}

// poison is an order about one event.
type poison struct {
	*order
	// event is the one that the order has met; "" until then.
	event string
}

func (p *poison) poisoned(name, event string) bool {
	met := p.at(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if met && p.event == "" {
		p.event = event
	}
	return p.name == name && p.event == event
}

// order is what a variable of the environment asks for.
type order struct {
	name string
	pass int // 0 = every pass

	mu   sync.Mutex
	seen int
}

func (o *order) at(name string) bool {
	if o.name != name {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen++
	return o.pass == 0 || o.seen == o.pass
}

var (
	crash = sync.OnceValue(func() *order {
		o := parse(os.Getenv(EnvCrash), Points())
		o.pass = max(1, o.pass)
		return o
	})
	breakdown = sync.OnceValue(func() *poison {
		o := parse(os.Getenv(EnvPanic), Breakdowns())
		o.pass = max(1, o.pass)
		return &poison{order: o}
	})
	mutant = sync.OnceValue(func() *order { return parse(os.Getenv(EnvMutant), Mutants()) })
)

// parse reads "name" or "name:n"; anything that could never happen is a fault of the test.
func parse[T ~string](text string, known []T) *order {
	name, number, counted := strings.Cut(text, ":")
	o := &order{name: name}
	if name != "" && !slices.Contains(known, T(name)) {
		panic("fault: nobody knows " + name)
	}
	if counted {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			panic("fault: want " + name + ":n with n from 1, got " + text)
		}
		o.pass = n
	}
	return o
}
