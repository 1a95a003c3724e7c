package proxytest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands before one address.
type Proxy struct {
	// Addr is where clients connect to.
	Addr string

	target   string
	listener net.Listener
	delay    atomic.Int64
	cuts     atomic.Int64
	lost     atomic.Int64
	down     atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	tasks sync.WaitGroup
}

// New starts a proxy that ends with the test.
func New(tb testing.TB, target string) *Proxy {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), target: target, listener: listener, conns: map[net.Conn]struct{}{}}
	p.tasks.Go(p.accept)
	tb.Cleanup(func() {
		_ = listener.Close()
		p.Down(true)
		p.tasks.Wait()
	})
	return p
}

// Dial connects to the proxy whatever the address; kafkalog takes it, because a broker names its own address to clients.
func (p *Proxy) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, p.Addr)
}

// Down cuts everything and lets nobody in until it is called with false.
func (p *Proxy) Down(down bool) {
	p.down.Store(down)
	if down {
		p.Reset()
	}
}

// Slow passes each piece on after d.
func (p *Proxy) Slow(d time.Duration) { p.delay.Store(int64(d)) }

// Reset ends every connection with RST.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// CutReplies drops the answers to the next n produce requests, after the broker has done what they ask.
func (p *Proxy) CutReplies(n int64) { p.cuts.Store(n) }

// Lost is how many answers were dropped.
func (p *Proxy) Lost() int64 { return p.lost.Load() }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.tasks.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer p.forget(client)
	if !p.remember(client) {
		return
	}
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target) // the proxy outlives no test
	if err != nil {
		return
	}
	defer p.forget(server)
	if !p.remember(server) {
		return
	}
	var doomed atomic.Bool // the next answer is dropped
	done := make(chan struct{}, 2)
	go func() { p.requests(server, client, &doomed); done <- struct{}{} }()
	go func() { p.answers(client, server, &doomed); done <- struct{}{} }()
	<-done // one direction has ended, so the other has nobody to speak to
	p.forget(client)
	p.forget(server)
	<-done
}

// remember refuses a connection while the proxy is down.
func (p *Proxy) remember(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down.Load() {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

// produce is the number of the request that writes records.
const produce = 0

// requests passes on what a client says. While answers are to be cut it reads Kafka's frames: a size, then the number of
// the request.
func (p *Proxy) requests(to io.Writer, from io.Reader, doomed *atomic.Bool) {
	in := bufio.NewReader(from)
	for {
		head, err := in.Peek(1)
		if len(head) == 0 || err != nil {
			return
		}
		if p.cuts.Load() > 0 {
			if head, err = in.Peek(6); err != nil {
				return
			}
			if binary.BigEndian.Uint16(head[4:]) == produce && p.cuts.Add(-1) >= 0 {
				doomed.Store(true)
			}
			p.wait()
			if _, err := io.CopyN(to, in, 4+int64(binary.BigEndian.Uint32(head))); err != nil {
				return
			}
			continue
		}
		if p.pass(to, in) != nil {
			return
		}
	}
}

// answers passes on what the server says, until an answer is to be dropped.
func (p *Proxy) answers(to io.Writer, from io.Reader, doomed *atomic.Bool) {
	in := bufio.NewReader(from)
	for {
		if head, err := in.Peek(1); len(head) == 0 || err != nil {
			return
		}
		if doomed.Load() { // the broker has answered, so the records are written
			p.lost.Add(1)
			return
		}
		if p.pass(to, in) != nil {
			return
		}
	}
}

// pass passes on what has come.
func (p *Proxy) pass(to io.Writer, in *bufio.Reader) error {
	p.wait()
	piece, err := in.Peek(in.Buffered())
	if err != nil {
		return err
	}
	n, err := to.Write(piece)
	_, discarded := in.Discard(n)
	return errors.Join(err, discarded)
}

// wait is the slowness of the network itself, not of the test.
func (p *Proxy) wait() {
	if d := time.Duration(p.delay.Load()); d > 0 {
		<-time.After(d)
	}
}
