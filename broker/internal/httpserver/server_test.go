package httpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/httpserver"
)

func get(ctx context.Context, addr string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", http.NoBody)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func TestServerSurvivesHammeringOfStartAndStop(t *testing.T) {
	t.Parallel()
	s := httpserver.New(httpserver.ServerConfig{Handler: http.HandlerFunc(noContent)})
	if err := s.Stop(t.Context()); err != nil {
		t.Fatalf("stop before start: %v", err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := s.Start(t.Context()); err != nil && !errors.Is(err, httpserver.ErrStarted) {
					t.Error(err)
				}
				_ = s.Addr()
				if err := s.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err := get(t.Context(), s.Addr()); err != nil || status != 200 {
		t.Errorf("status %d, error %v", status, err)
	}
	done := s.Done()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("stop twice: %v", err)
	}
	if _, err := get(t.Context(), s.Addr()); err == nil {
		t.Error("a stopped server answers")
	}
}

func TestAFailedStartLeavesTheServerUsable(t *testing.T) {
	t.Parallel()
	taken, err := httpserver.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := httpserver.New(httpserver.ServerConfig{Handler: http.HandlerFunc(noContent), Address: taken.Addr().String()})
	if err := s.Start(t.Context()); err == nil {
		t.Fatal("started on a taken port")
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStopWakesLongPollsAndLetsRunningRequestsFinish(t *testing.T) {
	t.Parallel()
	waiting := make(chan struct{})
	l, err := httpserver.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := httpserver.New(httpserver.ServerConfig{Listener: l, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(waiting)
		select {
		case <-httpserver.Draining(r.Context()):
			w.WriteHeader(http.StatusAccepted)
		case <-r.Context().Done():
			w.WriteHeader(http.StatusTeapot)
		}
	})})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Addr() != l.Addr().String() {
		t.Errorf("address %s, listener %s", s.Addr(), l.Addr())
	}
	status := make(chan int, 1)
	go func() {
		got, err := get(t.Context(), s.Addr())
		if err != nil {
			t.Error(err)
		}
		status <- got
	}()
	<-waiting
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-status; got != http.StatusAccepted {
		t.Errorf("status %d", got)
	}
}

func TestARequestThatDoesNotEndIsCutAfterTheDrainTime(t *testing.T) {
	t.Parallel()
	waiting, cut := make(chan struct{}), make(chan struct{})
	s := httpserver.New(httpserver.ServerConfig{Drain: 10 * time.Millisecond, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(waiting)
		<-r.Context().Done()
		close(cut)
	})})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = get(t.Context(), s.Addr()) }()
	<-waiting
	if err := s.Stop(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	<-cut
}

// TestASlowCallerIsCutAndHoldsNothing opens connections that send a part and then nothing more. The header's time and the
// request's time end them; a body that did not arrive is refused and recorded, a header that did not arrive is no request.
func TestASlowCallerIsCutAndHoldsNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, noContent, nil)
	s := httpserver.New(httpserver.ServerConfig{
		Handler:  f.handler,
		Timeouts: httpserver.Timeouts{Header: time.Second, Read: 2 * time.Second, Write: time.Minute, Idle: 100 * time.Millisecond},
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	post := "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
	for name, c := range map[string]struct {
		sent   string
		status int // 0: cut without an answer
		lines  int
	}{
		"nothing at all":  {"", 0, 0},
		"half a header":   {"GET /v1/cases HTTP/1.1\r\nHost: x\r\nX-Slow: ", 0, 0},
		"half a body":     {post + `{"submission_id":"CANARY`, 400, 1},
		"an idle request": {"GET /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n", 200, 0},
	} {
		before := len(f.audit.Lines())
		status, body := slowly(t, s.Addr(), c.sent)
		if status != c.status || len(f.audit.Lines())-before != c.lines || status >= 400 && !json.Valid(body) {
			t.Errorf("%s: status %d, %d audit lines: %s", name, status, len(f.audit.Lines())-before, body)
		}
	}
}

// slowly sends what it is given and waits until the server has closed the connection.
func slowly(t *testing.T, addr, sent string) (status int, body []byte) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, sent); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the connection was not closed: %v", err)
		}
		return 0, nil
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection stays open: %v", err)
	}
	return resp.StatusCode, body
}
