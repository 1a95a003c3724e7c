//go:build linux

package production

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A broker that stands still for longer than its leases last loses all of them to the other one; when it goes on it is
// stale, and what it still tries to write is refused: no case gets anything twice or out of order.
func TestAReplicaThatStoodStillCannotWrite(t *testing.T) {
	f := openForm(t)
	l := startLoad(t, f)
	l.carry(5)
	db := f.ledger()
	f.signal("broker-2", unix.SIGTERM)(drain) // so that the first has every lease
	before := takenOver(t, db, nil)
	f.up()
	f.signal("broker-1", unix.SIGSTOP)
	l.b.eject("broker-1")
	lost := takenOver(t, db, before)
	l.drain()
	l.carry(10)
	if nightly() { // longer than any timeout of a session or a connection
		minute := time.NewTimer(time.Minute)
		<-minute.C
	}
	held := leases(t, db)
	f.signal("broker-1", unix.SIGCONT)
	l.b.admit("broker-1")
	l.drain()
	l.carry(10)
	for name := range lost {
		if now := leases(t, db)[name]; now.epoch < held[name].epoch {
			t.Errorf("lease %s went back from epoch %d to %d", name, held[name].epoch, now.epoch)
		}
	}
	l.finish()
	f.up()
}

// right is a lease as the database has it.
type right struct {
	holder string
	epoch  int64
}

func leases(t *testing.T, db *sql.DB) map[string]right {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), `select name, holder, epoch from leases where expires_at > (now() at time zone 'utc')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]right{}
	for rows.Next() {
		var name string
		var r right
		if err := rows.Scan(&name, &r.holder, &r.epoch); err != nil {
			t.Fatal(err)
		}
		out[name] = r
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// takenOver waits until one holder has every lease, and none is with who had it before, and returns them.
func takenOver(t *testing.T, db *sql.DB, before map[string]right) map[string]right {
	t.Helper()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-look.C {
		now := leases(t, db)
		holders := map[string]bool{}
		for name, r := range now {
			holders[r.holder] = true
			if before[name].holder == r.holder {
				holders["before"] = true
			}
		}
		if len(now) > 0 && len(now) >= len(before) && len(holders) == 1 {
			return now
		}
	}
	t.Fatalf("the leases were not taken over: %v, now %v", before, leases(t, db))
	return nil
}
