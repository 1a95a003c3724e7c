package httpserver_test

import (
	"context"
	"errors"
	"io"
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
