package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/pull"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/law"
)

// Config says which offices to play, and against which broker.
type Config struct {
	// API is the broker's base URL, Issuer the URL of its OpenID provider.
	API, Issuer string
	// Authorities are the offices. One without a role takes part in nothing and is left out.
	Authorities []authority.Authority
	// Credentials are the machine credentials of an office's system; the client id is the authority id.
	Credentials func(id authority.ID) (client.Credentials, error)
	// State is the directory for the journals, one <authority>.jsonl per office. It is created with mode 0700.
	State string
	// Dir is where each office files what it obtained, <authority>/<delivery>.json. These files hold content of persons.
	// Defaults to filing nothing.
	Dir string
	// Entries are the register of every trade office. Defaults to Register().
	Entries []Entry
	// FileReference gives the file reference of a task. Defaults to a number made from the task's id.
	FileReference func(task string) string
	// Through puts another transport before the HTTP API for an office. Defaults to none.
	Through func(id authority.ID, api backoffice.Port) (backoffice.Port, error)
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Transport stands between an office and the wire, for whoever wants to see what an office asks and gets. Defaults to
	// nothing in between.
	Transport func(id authority.ID, wire http.RoundTripper) http.RoundTripper
	// Tracer makes spans of the handling of items. Defaults to none.
	Tracer backoffice.Tracer
	// Log defaults to one that drops everything.
	Log *slog.Logger
}

// Offices are the back offices of the demo, one Runner each.
type Offices struct {
	runners []*backoffice.Runner
	http    *http.Client

	mu     sync.Mutex
	cancel context.CancelFunc
	ended  chan struct{}
	failed error
}

// New opens every office. It sends nothing yet.
func New(cfg Config) (*Offices, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	book, err := law.Load()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.State, 0o700); err != nil {
		return nil, contracts.Errorf(contracts.Internal, "open offices", "%w", err)
	}
	transport := &http.Transport{ // one waiting connection per office
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: len(cfg.Authorities), IdleConnTimeout: time.Minute,
	}
	o := &Offices{http: &http.Client{Transport: transport, Timeout: time.Minute}}
	for _, a := range cfg.Authorities {
		if len(a.Roles) == 0 {
			continue
		}
		r, err := o.open(cfg, book, a)
		if err != nil {
			return nil, err
		}
		o.runners = append(o.runners, r)
	}
	return o, nil
}

func (c *Config) fill() (err error) {
	if c.Credentials == nil || c.State == "" {
		return contracts.Errorf(contracts.Invalid, "open offices", "credentials and state are required")
	}
	if c.Entries == nil {
		if c.Entries, err = Register(); err != nil {
			return err
		}
	}
	if c.FileReference == nil {
		c.FileReference = fileReference
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Transport == nil {
		c.Transport = func(_ authority.ID, wire http.RoundTripper) http.RoundTripper { return wire }
	}
	return nil
}

func (o *Offices) open(cfg Config, book law.Book, a authority.Authority) (*backoffice.Runner, error) {
	credentials, err := cfg.Credentials(a.ID)
	if err != nil {
		return nil, err
	}
	own := &http.Client{Transport: cfg.Transport(a.ID, o.http.Transport), Timeout: o.http.Timeout}
	api, err := client.Open(client.Config{API: cfg.API, Issuer: cfg.Issuer, Credentials: credentials, HTTP: own})
	if err != nil {
		return nil, err
	}
	port, err := pull.Open(pull.Config{Client: api})
	if err == nil && cfg.Through != nil {
		port, err = cfg.Through(a.ID, port)
	}
	if err != nil {
		return nil, err
	}
	return backoffice.New(backoffice.Config{
		Authority: a.ID, Port: port, Handler: cfg.handler(book, a), Tracer: cfg.Tracer, Log: cfg.Log,
		Journal: backoffice.NewFileJournal(filepath.Join(cfg.State, string(a.ID)+".jsonl")),
	})
}

// handler chooses what an office does by its kind.
func (c *Config) handler(book law.Book, a authority.Authority) backoffice.Handler {
	r := recipient{authority: a.ID, book: book, files: files(c.Dir)}
	if a.Kind != "trade_office" {
		return &r
	}
	return &tradeOffice{recipient: r, register: c.Entries, reference: c.FileReference, now: c.Now}
}

// Start lets every office work until Stop, or until ctx ends. A second Start changes nothing.
func (o *Offices) Start(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended != nil {
		return nil
	}
	ctx, o.cancel = context.WithCancel(ctx)
	o.failed = nil
	ended := make(chan struct{})
	o.ended = ended
	var wg sync.WaitGroup
	for _, r := range o.runners {
		wg.Go(func() {
			if err := r.Run(ctx); err != nil {
				o.fail(err)
			}
		})
	}
	go func() {
		wg.Wait()
		close(ended)
	}()
	return nil
}

func (o *Offices) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = errors.Join(o.failed, err)
}

// Stop ends the work of every office and waits for it, or for the end of ctx. It returns what made an office end before.
// A Stop before Start and a second Stop change nothing.
func (o *Offices) Stop(ctx context.Context) error {
	o.mu.Lock()
	ended := o.ended
	if ended != nil {
		o.cancel()
	}
	o.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
	case <-ctx.Done():
		return contracts.Errorf(contracts.Unavailable, "stop offices", "%w", ctx.Err())
	}
	o.http.CloseIdleConnections()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended == ended {
		o.ended = nil
	}
	return o.failed
}
