//go:build linux

package production

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// wire is a TCP line to PostgreSQL that can be told to lose the answer to a COMMIT: the database has committed, the client
// learns only that the line is dead.
type wire struct {
	listener net.Listener
	target   string
	// armed counts the answers that are still to be lost, lost those that were.
	armed atomic.Int64
	lost  chan struct{}
	all   sync.WaitGroup
}

// commitDone is the tag by which PostgreSQL's protocol tells of a commit.
var commitDone = []byte("COMMIT\x00")

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, target: target, lost: make(chan struct{}, 1<<10)}
	w.all.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			w.all.Go(func() { w.carry(from) })
		}
	})
	t.Cleanup(func() { _ = listener.Close() })
	return w
}

// carry copies both ways until either side ends, or an answer is to be lost.
func (w *wire) carry(from net.Conn) {
	to, err := net.Dial("tcp", w.target)
	if err != nil {
		_ = from.Close()
		return
	}
	end := func() {
		_ = from.Close()
		_ = to.Close()
	}
	w.all.Go(func() {
		defer end()
		pass(from, to, func([]byte) bool { return true })
	})
	defer end()
	pass(to, from, func(answer []byte) bool {
		if bytes.Contains(answer, commitDone) && w.armed.Load() > 0 && w.armed.Add(-1) >= 0 {
			w.lost <- struct{}{}
			return false
		}
		return true
	})
}

// pass copies until forward says no.
func pass(from io.Reader, to io.Writer, forward func([]byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !forward(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
		if err != nil {
			return
		}
	}
}
