package permit

import "github.com/efa-broker/efa-broker/contracts/engine"

// inbox puts the events of a case into the order of their EngineSeq: it drops what was applied, keeps early ones, and
// knows when one is missing.
type inbox struct {
	applied int64
	held    map[int64]engine.Event
}

func newInbox() inbox { return inbox{held: map[int64]engine.Event{}} }

// offer takes events in any order, any number of times.
func (b *inbox) offer(events ...engine.Event) {
	for _, e := range events {
		if e.EngineSeq > b.applied {
			b.held[e.EngineSeq] = e
		}
	}
}

// next applies the next event in order; it reports false when that one is not here, or is later than limit.
func (b *inbox) next(limit int64) (engine.Event, bool) {
	seq := b.applied + 1
	e, ok := b.held[seq]
	if !ok || seq > limit {
		return engine.Event{}, false
	}
	delete(b.held, seq)
	b.applied = seq
	return e, true
}

// gap reports that a later event is here and the next one is not.
func (b *inbox) gap() bool {
	_, ok := b.held[b.applied+1]
	return len(b.held) > 0 && !ok
}
