//go:build linux

package production

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/kafkaoutbox"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event"
	said "github.com/efa-broker/efa-broker/contracts/event/answer"
)

// The authorities that speak Kafka themselves.
const (
	newOffice authority.ID = "gewerbeamt-muenchen"
	oldOffice authority.ID = "gewerbeamt-nuernberg"
)

// kafka is Apache Kafka as one user sees it, whose publications are given up after a while.
func (f *form) kafka(a authority.ID, patience time.Duration) *kafkalog.Log {
	f.t.Helper()
	l, err := kafkalog.New(kafkalog.Config{
		Brokers: []string{f.address("kafka")}, PublishTimeout: patience,
		SASL: &kafkalog.SASL{Mechanism: "SCRAM-SHA-256", Username: string(a), Password: f.read("secrets/kafka-" + string(a))},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = l.Close() })
	return l
}

// sealKey is the key that is registered for an authority.
func (f *form) sealKey(a authority.ID) crypto.Signer {
	f.t.Helper()
	block, _ := pem.Decode([]byte(f.read("secrets/seal-" + string(a) + ".pem")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		f.t.Fatal(err)
	}
	return key.(crypto.Signer)
}

// outbox lets an authority answer over Kafka, sealed by key.
func (f *form) outbox(a authority.ID, key crypto.Signer, api backoffice.Port) *kafkaoutbox.Outbox {
	f.t.Helper()
	_, operator, _ := strings.Cut(f.env["EFA_CLIENT"], "-")
	o, err := kafkaoutbox.Open(kafkaoutbox.Config{
		Port: api, Log: f.kafka(a, patience), Authority: a, Operator: authority.OperatorID(operator), Structured: a == oldOffice,
		Signer: seal.Signer{KeyID: string(a) + "-1", Private: key},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return o
}

// number is the answer to a query that has one.
func (f *form) number(query string, args ...any) (n int) {
	f.t.Helper()
	if err := f.ledger().QueryRowContext(f.t.Context(), query, args...).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// refused counts the dead letters of an authority's topic for one reason.
func (f *form) refused(a authority.ID, reason string) int {
	f.t.Helper()
	return f.number(`select count(*) from dead_letters where topic = $1 and state = 'refused' and reason = $2`, said.Topic(a), reason)
}

// awaitRefused waits until there are n such letters.
func (f *form) awaitRefused(a authority.ID, reason string, n int) {
	f.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for f.refused(a, reason) < n {
		select {
		case <-tick.C:
		case <-late:
			f.t.Fatalf("%s has no dead letter more for the reason %s", said.Topic(a), reason)
		}
	}
}

// TestACaseIsAnsweredOverApacheKafka lets both trade offices answer by sealed events that they write as users of their own:
// their cases go on and end. What another key has sealed is put aside, and nobody writes to the topic of another.
func TestACaseIsAnsweredOverApacheKafka(t *testing.T) {
	f := openForm(t)
	l := &load{t: t, f: f, body: submission(t), here: t.Context()}
	l.b = newBalancer(t, map[string]string{"broker-1": f.address("broker-1"), "broker-2": f.address("broker-2")})
	l.portal = f.as(l.b.URL, f.env["EFA_PORTAL"], &http.Client{Timeout: 20 * time.Second, Transport: &patient{l: l}})

	_, forger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	before := f.refused(newOffice, "seal_wrong_signature")
	wrong := f.outbox(newOffice, forger, noPort{})
	if err := wrong.Answer(t.Context(), uuid.NewString()+".register.1", backoffice.Outcome{Code: "registered"}); err != nil {
		t.Fatalf("the topic takes what the user may write: %v", err)
	}
	f.awaitRefused(newOffice, "seal_wrong_signature", before+1)

	l.play(func(a authority.ID, api backoffice.Port) (backoffice.Port, error) {
		if a != newOffice && a != oldOffice {
			return api, nil
		}
		return f.outbox(a, f.sealKey(a), api), nil
	})
	operator := f.as(l.b.URL, f.env["EFA_CLIENT"], nil)
	first := l.send(uuid.NewString()).CaseId
	second := l.whole(operator, first)
	if second == "" || l.whole(operator, second) != "" {
		t.Errorf("case %s opened %q", first, second)
	}
	for _, a := range []authority.ID{newOffice, oldOffice} {
		if n := f.number(`select count(*) from ingress_events where authority = $1 and case_id in ($2, $3)`, a, first, second); n == 0 {
			t.Errorf("%s answered nothing over Kafka", a)
		}
	}
	done := f.number(`select count(*) from ingress_events i join events e on e.case_id = i.case_id and e.at = i.at
		where i.case_id = $1 and i.authority = $2 and e.type = $3`, first, newOffice, event.TypeTaskCompleted)
	if done != 1 {
		t.Errorf("the task of the first case was completed by %d events that came over Kafka", done)
	}
	f.clocksAgree()
	f.nobodyElseWrites()
	f.efabroker("ledger", "verify")
}

// noPort is the other side of an authority that answers only.
type noPort struct{ backoffice.Port }

// clocksAgree wants that the broker read Kafka's clock and never found it off.
func (f *form) clocksAgree() {
	f.t.Helper()
	for _, part := range []string{"broker-1", "broker-2"} {
		req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, "http://"+f.address(part)+"/metrics", nil)
		if err != nil {
			f.t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			f.t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !strings.Contains(string(text), "\nefa_log_clock_off_total 0\n") {
			f.t.Errorf("%s found Kafka's clock off, or does not count: %v", part, err)
		}
	}
	if bounds, err := f.kafka("efa-broker", patience).Ends(f.t.Context(), said.ClockTopic); err != nil || len(bounds) == 0 || sum(bounds) == 0 {
		f.t.Errorf("nobody asked for Kafka's clock: %v, %v", bounds, err)
	}
}

func sum(bounds []eventlog.Bound) (n int64) {
	for _, b := range bounds {
		n += b.Offset
	}
	return n
}

// nobodyElseWrites tries to write where an authority has no right to: Kafka tells it of no such topic, and nothing gets there.
func (f *form) nobodyElseWrites() {
	f.t.Helper()
	own := f.kafka(newOffice, 3*time.Second)
	key := uuid.NewString()
	for _, topic := range []string{said.Topic(oldOffice), event.Topic, said.ClockTopic} {
		err := own.Publish(f.t.Context(), eventlog.Record{Topic: topic, Key: key, Value: []byte("{}")})
		if err == nil || contracts.KindOf(err) != contracts.Denied && !strings.Contains(err.Error(), "Unknown Topic") {
			f.t.Errorf("%s writes to %s: %v", newOffice, topic, err)
		}
	}
	for _, topic := range []string{said.Topic(oldOffice), event.Topic} {
		err := f.kafka("efa-broker", patience).Scan(f.t.Context(), topic, func(r eventlog.Record) error {
			if r.Key == key {
				f.t.Errorf("%s got a record of %s", topic, newOffice)
			}
			return nil
		})
		if err != nil {
			f.t.Error(err)
		}
	}
}
