package sqlstore

import "sync/atomic"

// guard may refuse every writing transaction of a database.
type guard struct{ check atomic.Pointer[func() error] }

// Guard lets check refuse writing transactions before they begin; its error is the answer. It is set while the program is
// wired and may change its mind at any time.
func (d *DB) Guard(check func() error) { d.guard.check.Store(&check) }

func (g *guard) refuses() error {
	if check := g.check.Load(); check != nil {
		return (*check)()
	}
	return nil
}
