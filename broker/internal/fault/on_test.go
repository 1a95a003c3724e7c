//go:build faults

package fault

import "testing"

func TestAnOrderIsMetAtItsPassOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want [3]bool
	}{
		{"", [3]bool{}},
		{"no_dedupe", [3]bool{true, true, true}},
		{"no_dedupe:2", [3]bool{false, true, false}},
		{"swap_events", [3]bool{}},
	} {
		o := parse(c.text, Mutants())
		if got := [3]bool{o.at("no_dedupe"), o.at("no_dedupe"), o.at("no_dedupe")}; got != c.want {
			t.Errorf("%q: got %v, want %v", c.text, got, c.want)
		}
	}
}

func TestAnOrderThatCannotBeMetIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"nodedupe", "no_dedupe:", "no_dedupe:0", "no_dedupe:x"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", text)
				}
			}()
			parse(text, Mutants())
		}()
	}
}

func TestAPoisonedEventStaysPoisoned(t *testing.T) {
	t.Parallel()
	o := parse("starter.panics:2", Breakdowns())
	p := &poison{order: o}
	for i, c := range []struct {
		name, event string
		want        bool
	}{
		{"starter.panics", "a", false},
		{"delivery.panics", "b", false},
		{"starter.panics", "b", true},
		{"starter.panics", "a", false},
		{"starter.panics", "b", true},
		{"delivery.panics", "b", false},
	} {
		if got := p.poisoned(c.name, c.event); got != c.want {
			t.Errorf("pass %d: %s at %s: got %t", i, c.name, c.event, got)
		}
	}
}
