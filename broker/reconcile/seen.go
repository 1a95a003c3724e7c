package reconcile

import "slices"

// seen are the sequences of one case that the log holds, as ranges that do not touch: a log in order needs one.
type seen []span

// span is from first to last, both included.
type span struct{ first, last int64 }

// add notes a sequence.
func (s seen) add(seq int64) seen {
	i, found := slices.BinarySearchFunc(s, seq, func(r span, seq int64) int {
		switch {
		case r.last < seq:
			return -1
		case r.first > seq:
			return 1
		}
		return 0
	})
	if found {
		return s
	}
	left := i > 0 && s[i-1].last == seq-1
	right := i < len(s) && s[i].first == seq+1
	switch {
	case left && right:
		s[i-1].last = s[i].last
		return slices.Delete(s, i, i+1)
	case left:
		s[i-1].last = seq
	case right:
		s[i].first = seq
	default:
		return slices.Insert(s, i, span{seq, seq})
	}
	return s
}

// has reports whether a sequence was seen.
func (s seen) has(seq int64) bool {
	for _, r := range s {
		if r.first <= seq && seq <= r.last {
			return true
		}
	}
	return false
}

// covers reports whether everything from 1 to last was seen.
func (s seen) covers(last int64) bool {
	return last == 0 || len(s) > 0 && s[0].first <= 1 && s[0].last >= last
}

// above counts what was seen behind last.
func (s seen) above(last int64) (n int64) {
	for _, r := range s {
		if r.last > last {
			n += r.last - max(r.first, last+1) + 1
		}
	}
	return n
}
