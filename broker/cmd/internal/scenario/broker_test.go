//go:build faults

package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/internal/fault"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// patience bounds every wait; nothing is expected to take so long.
const patience = 2 * time.Minute

// broker is a running broker, and the back offices that work with it.
type broker struct {
	tb testing.TB
	address
	// process is the one that the orders are for.
	*process
	orders  orders
	offices *offices.Offices
	// answers is what the offices write their answers to.
	answers []*kafkalog.Log
}

// at reads where the broker listens.
func (f *single) at() address {
	f.tb.Helper()
	var e struct {
		API    string `json:"api"`
		Issuer string `json:"issuer"`
		Kafka  string `json:"kafka"`
	}
	raw, err := os.ReadFile(filepath.Join(f.dir, "endpoint.json"))
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	if err != nil {
		f.tb.Fatal(err)
	}
	return address{
		api: e.API, issuer: e.Issuer, kafka: e.Kafka, clients: filepath.Join(f.dir, "clients"),
		sasl: func(string) *kafkalog.SASL { return nil },
	}
}

// end ends the process as a power cut would, and lets the offices stop.
func (b *broker) end() {
	b.kill()
	b.rest()
}

// crashed waits until the process has killed itself at point.
func (b *broker) crashed(point string) {
	b.tb.Helper()
	select {
	case <-b.died:
	case <-time.After(patience):
		b.tb.Fatalf("%s was not reached: %s", point, b.lastOf())
	}
	if code := b.cmd.ProcessState.ExitCode(); code != -1 {
		b.tb.Fatalf("%s: the broker ended by itself with status %d: %s", point, code, b.lastOf())
	}
	b.rest()
}

// as is a client of the API with the key of id.
func (b *broker) as(id string) *client.ClientWithResponses {
	b.tb.Helper()
	c, err := client.Open(client.Config{API: b.api, Issuer: b.issuer, Credentials: b.credentials(id)})
	if err != nil {
		b.tb.Fatal(err)
	}
	return c
}

func (b *broker) credentials(id string) client.Credentials {
	b.tb.Helper()
	c, err := client.ReadCredentials(filepath.Join(b.clients, id+".json"))
	if err != nil {
		b.tb.Fatal(err)
	}
	return c
}

// work lets the back office of every authority work, and the world's recorder note what they get.
func (b *broker) work(w *world) {
	b.tb.Helper()
	answer, err := b.as("operator-bayern").ListAuthoritiesWithResponse(b.tb.Context())
	if err != nil {
		if b.gone() {
			return
		}
		b.tb.Fatal(err)
	}
	page, err := client.Value(answer, answer.JSON200)
	if err != nil {
		b.tb.Fatal(err)
	}
	through := w.speakers.through(func(id authority.ID) *kafkalog.Log {
		b.answers = append(b.answers, b.open(string(id)))
		return b.answers[len(b.answers)-1]
	})
	if strings.HasPrefix(b.orders.crash, string(fault.AnswerCommitted)) {
		through = nil // the outcome of a task comes over HTTP then
	}
	b.offices, err = offices.New(offices.Config{
		API: b.api, Issuer: b.issuer, Authorities: page.Authorities, State: w.journals, Entries: w.entries, Through: through,
		Credentials: func(id authority.ID) (client.Credentials, error) { return b.credentials(string(id)), nil },
		Transport: func(id authority.ID, wire http.RoundTripper) http.RoundTripper {
			return office{recorder: w.recorder, id: id, wire: wire}
		},
	})
	if err == nil {
		err = b.offices.Start(context.WithoutCancel(b.tb.Context()))
	}
	if err != nil {
		b.tb.Fatal(err)
	}
}

// gone reports whether the process has ended, or is about to: a request that failed met its end.
func (b *broker) gone() bool {
	select {
	case <-b.died:
		return true
	case <-time.After(5 * time.Second):
		return false
	}
}

// rest lets the back offices stop.
func (b *broker) rest() {
	if b.offices == nil {
		return
	}
	errs := []error{b.offices.Stop(context.Background())}
	for _, log := range b.answers {
		errs = append(errs, log.Close())
	}
	if err := errors.Join(errs...); err != nil {
		b.tb.Error(err)
	}
	b.offices, b.answers = nil, nil
}

// open opens the event log as a user.
func (b *broker) open(user string) *kafkalog.Log {
	b.tb.Helper()
	log, err := kafkalog.New(kafkalog.Config{Brokers: []string{b.kafka}, SASL: b.sasl(user), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.tb.Fatal(err)
	}
	return log
}
