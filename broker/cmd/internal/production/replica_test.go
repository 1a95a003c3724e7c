//go:build linux

package production

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// drain is what a broker may take to end after SIGTERM.
const drain = 30 * time.Second

// A broker that is told to stop finishes what it has in hand; whoever is sent away or cut off asks again and gets the same.
func TestReplicasStopInTurnUnderLoad(t *testing.T) {
	f := openForm(t)
	l := startLoad(t, f)
	rounds := 1
	if nightly() {
		rounds = 3
	}
	for range rounds {
		for _, replica := range []string{"broker-1", "broker-2"} {
			l.carry(5)
			f.signal(replica, unix.SIGTERM)(drain)
			l.drain()
			l.carry(5) // by the other one
			f.up()
		}
	}
	l.finish()
}

// A broker that is killed takes nothing with it that it has acknowledged.
func TestAReplicaIsKilledUnderLoad(t *testing.T) {
	f := openForm(t)
	l := startLoad(t, f)
	for _, part := range []string{"broker-1", "worker", "broker-2"} {
		l.carry(5)
		f.signal(part, unix.SIGKILL)(patience)
		l.drain()
		l.carry(5)
		f.up()
	}
	l.finish()
}

// The history service, which owns every running workflow, is killed in the midst of cases. Intake goes on without it; it takes
// its workflows up from its database, and every case ends without an effect done twice.
func TestTheEnginesHistoryIsKilledUnderLoad(t *testing.T) {
	f := openForm(t)
	l := startLoad(t, f)
	rounds := 1
	if nightly() {
		rounds = 3
	}
	for range rounds {
		l.carry(5)
		f.signal("temporal-history", unix.SIGKILL)(patience)
		l.drain()
		l.carry(5)
		f.up()
	}
	l.drain()
	l.carry(5)
	l.finish()
}
