package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/api/client/clienttest"
)

func TestTokenIsKeptUntilShortlyBeforeItExpires(t *testing.T) {
	t.Parallel()
	issuer := clienttest.NewIssuer(t)
	now := time.Now()
	source := tokens(t, client.TokenConfig{
		Issuer: issuer.URL, Credentials: issuer.Client(t, "portal"), Now: func() time.Time { return now },
	})
	first := token(t, source)
	now = now.Add(9 * time.Minute)
	if got := token(t, source); got != first || issuer.Issued() != 1 {
		t.Error("a token with a minute left was replaced")
	}
}

func TestTokenThatEndsSoonIsReplaced(t *testing.T) {
	t.Parallel()
	issuer := clienttest.NewIssuer(t)
	issuer.Life(20 * time.Second) // below the margin
	source := tokens(t, client.TokenConfig{Issuer: issuer.URL, Credentials: issuer.Client(t, "portal")})
	first := token(t, source)
	if second := token(t, source); second == first {
		t.Error("a token that ends within the margin was used twice")
	}
	if issuer.Issued() != 2 {
		t.Errorf("%d tokens issued, want 2", issuer.Issued())
	}
}

func TestManyCallersShareOneToken(t *testing.T) {
	t.Parallel()
	issuer := clienttest.NewIssuer(t)
	source := tokens(t, client.TokenConfig{Issuer: issuer.URL, Credentials: issuer.Client(t, "portal")})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, err := source.Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if issuer.Issued() != 1 {
		t.Errorf("%d tokens issued, want 1", issuer.Issued())
	}
}

func TestWaitingForATokenEndsWithTheContext(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer provider.Close()
	defer close(release)
	source := tokens(t, client.TokenConfig{Issuer: provider.URL, Credentials: generate(t, "portal")})
	slow, stop := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := source.Token(slow)
		first <- err
	}()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the waiting caller got %v, want its context's end", err)
	}
	stop()
	if err := <-first; contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("the asking caller got %v, want unavailable", err)
	}
}

func TestTokenErrorsSayWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	issuer := clienttest.NewIssuer(t)
	for _, tt := range []struct {
		name  string
		setup func(t *testing.T) string
		want  contracts.Kind
	}{
		{"an unknown client", func(*testing.T) string { return issuer.URL }, contracts.Unauthenticated},
		{"a provider that is down", func(*testing.T) string { return "http://127.0.0.1:1" }, contracts.Unavailable},
		{"a provider with another name", func(t *testing.T) string {
			t.Helper()
			return provider(t, map[string]string{"issuer": "https://else.example", "token_endpoint": issuer.URL + "/token"})
		}, contracts.Invalid},
		{"a provider that is busy", func(t *testing.T) string {
			t.Helper()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusServiceUnavailable)
			}))
			t.Cleanup(s.Close)
			return s.URL
		}, contracts.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := tokens(t, client.TokenConfig{Issuer: tt.setup(t), Credentials: generate(t, "stranger")})
			if _, err := source.Token(t.Context()); contracts.KindOf(err) != tt.want {
				t.Errorf("got %v (%s), want %s", err, contracts.KindOf(err), tt.want)
			}
		})
	}
}

func provider(t *testing.T, doc map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(doc)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func tokens(t *testing.T, cfg client.TokenConfig) *client.TokenSource {
	t.Helper()
	s, err := client.NewTokenSource(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func token(t *testing.T, s *client.TokenSource) string {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}
