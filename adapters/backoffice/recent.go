package backoffice

// recent remembers the last n ids.
type recent struct {
	known map[string]bool
	ring  []string
	next  int
}

func newRecent(n int) *recent { return &recent{known: make(map[string]bool), ring: make([]string, n)} }

func (r *recent) has(id string) bool { return r.known[id] }

func (r *recent) add(id string) {
	if id == "" || r.known[id] {
		return
	}
	delete(r.known, r.ring[r.next])
	r.known[id] = true
	r.ring[r.next] = id
	r.next = (r.next + 1) % len(r.ring)
}
