//go:build faults

package scenario

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// reader is the user of the event log who may do everything there.
const reader = "admin"

// world is what outlives the broker: its data, the portal with what it has to submit, the journals of the back
// offices, and what everybody wrote down.
type world struct {
	tb       testing.TB
	form     form
	journals string
	speakers speakers
	recorder *recorder
	entries  []offices.Entry
	wanted   []*submission
	// erased counts the cases that were to be erased, from the first on.
	erased int
}

// submission is what the portal wants to be accepted.
type submission struct {
	id   string
	body client.Submission
	told witness.Claim
	// caseID is empty until the broker has said yes.
	caseID string
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	dir := tb.TempDir()
	w := &world{tb: tb, journals: filepath.Join(dir, "journals"), speakers: newSpeakers(tb, dir), recorder: newRecorder(tb)}
	w.form = &single{tb: tb, dir: filepath.Join(dir, "data"), register: w.speakers.register}
	return w
}

// start starts the broker on the world's data, with its back offices when it gets so far.
func (w *world) start(o orders) *broker {
	w.tb.Helper()
	b := &broker{tb: w.tb, process: w.form.start(o), orders: o}
	if b.ready != "" {
		b.address = w.form.at()
		b.work(w)
	}
	return b
}

// want adds n submissions; it is called while no broker runs, because the register of the offices grows with it.
func (w *world) want(n int) {
	w.tb.Helper()
	for range n {
		app, canaries, entry := application(w.tb, len(w.wanted))
		w.entries = append(w.entries, entry)
		s := &submission{id: uuid.NewString()}
		s.body = client.Submission{SubmissionId: s.id, Service: string(registration), Region: muenchen, Application: app}
		raw, err := json.Marshal(s.body)
		if err != nil {
			w.tb.Fatal(err)
		}
		sum := sha256.Sum256(raw)
		s.told = witness.Claim{Actor: "portal-bayern", ID: s.id, SHA256: hex.EncodeToString(sum[:]), Canaries: fieldsOf(w.tb, string(registration), app, canaries)}
		w.wanted = append(w.wanted, s)
	}
}

// submit sends what the broker has not accepted yet, four at a time, until it is accepted or the broker is gone. Every
// third is sent once more, as a portal does that missed the answer.
func (w *world) submit(b *broker) {
	w.tb.Helper()
	portal := b.as("portal-bayern")
	var sending errgroup.Group
	sending.SetLimit(4)
	for i, s := range w.wanted {
		if s.caseID != "" {
			continue
		}
		sending.Go(func() error {
			w.send(b, portal, s)
			if s.caseID != "" && i%3 == 0 {
				w.send(b, portal, s)
			}
			return nil
		})
	}
	_ = sending.Wait()
}

// unanswered counts what the broker has not accepted yet, as far as the portal knows.
func (w *world) unanswered() (n int) {
	for _, s := range w.wanted {
		if s.caseID == "" {
			n++
		}
	}
	return n
}

// attempts is how often a busy broker is asked again.
const attempts = 50

func (w *world) send(b *broker, portal *client.ClientWithResponses, s *submission) {
	claim := func(op string, change func(*witness.Claim)) {
		c := witness.Claim{Actor: s.told.Actor, Op: op, ID: s.id}
		change(&c)
		w.recorder.claim(c)
	}
	claim(witness.Invoke, func(c *witness.Claim) { c.SHA256, c.Canaries = s.told.SHA256, s.told.Canaries })
	for range attempts {
		answer, err := portal.SubmitApplicationWithResponse(context.WithoutCancel(w.tb.Context()), s.body)
		var got client.SubmissionReceipt
		if err == nil {
			got, err = client.Value(answer, answer.JSON201, answer.JSON200)
		}
		switch kind := contracts.KindOf(err); {
		case err == nil:
			claim(witness.OK, func(c *witness.Claim) {
				c.Case = got.CaseId
				c.Receipt = &witness.Receipt{Event: got.Receipt.Event, Seq: got.Receipt.Seq, Hash: got.Receipt.Hash, Key: got.Receipt.Key, Signature: got.Receipt.Signature}
			})
			s.caseID = got.CaseId
			return
		case kind == contracts.Unavailable:
			claim(witness.Info, func(c *witness.Claim) { c.Code = kind.String() })
		default:
			claim(witness.Fail, func(c *witness.Claim) { c.Code = kind.String() })
			w.tb.Errorf("submission refused: %v", err)
			return
		}
		select {
		case <-b.died:
			return
		default:
		}
	}
}

// settle submits what is left and waits until every case is closed and everybody has accepted what was announced.
func (w *world) settle(b *broker) {
	w.tb.Helper()
	w.submit(b)
	for _, s := range w.wanted {
		if s.caseID == "" {
			w.tb.Fatalf("submission %s was never accepted", s.id)
		}
		if second := w.whole(b, s.caseID); second != "" {
			w.whole(b, second)
		}
	}
}

// whole waits for the end of a case and returns the case that it opened.
func (w *world) whole(b *broker, caseID string) (second string) {
	w.tb.Helper()
	operator := b.as("operator-bayern")
	var after int64
	var closed bool
	open := map[authority.ID]bool{}
	wait, busy := 20, 0
	idle := 6 + len(w.wanted)/100 // a minute or two, and longer when many cases are on their way
	for !closed || len(open) > 0 {
		answer, err := operator.ListCaseEventsWithResponse(w.tb.Context(), uuid.MustParse(caseID), &client.ListCaseEventsParams{AfterSeq: &after, WaitSeconds: &wait})
		if busy++; err != nil && contracts.KindOf(err) == contracts.Unavailable && busy < attempts {
			continue
		}
		if err != nil {
			w.tb.Fatal(err)
		}
		page, err := client.Value(answer, answer.JSON200)
		if err != nil {
			w.tb.Fatal(err)
		}
		if len(page.Events) == 0 {
			if idle--; idle > 0 {
				continue
			}
			w.tb.Fatalf("nothing new in case %s for a long time after %d events: %s", caseID, after, b.lastOf())
		}
		for _, e := range page.Events {
			after = e.CaseSeq
			switch e.Type {
			case event.TypeTaskCompleted:
				d, _ := event.Decode[event.TaskCompleted](e)
				if d.Opened != "" {
					second = d.Opened
				}
			case event.TypeContentAnnounced:
				d, _ := event.Decode[event.ContentAnnounced](e)
				open[d.Authority] = true
			case event.TypeDeliveryAccepted:
				d, _ := event.Decode[event.DeliveryAnswered](e)
				delete(open, d.Authority)
			case event.TypeCaseClosed:
				closed = true
			}
		}
	}
	return second
}

// forge writes a record into the event log that is no event of the ledger.
func (w *world) forge(b *broker) {
	w.tb.Helper()
	log := b.open(reader)
	defer log.Close()
	value := []byte(`{"forged":"` + uuid.NewString() + `"}`)
	sum := sha256.Sum256(value)
	w.recorder.claim(witness.Claim{Actor: "forger", Op: witness.Forge, ID: uuid.NewString(), SHA256: hex.EncodeToString(sum[:])})
	err := log.Publish(w.tb.Context(), eventlog.Record{Topic: event.Topic, Key: uuid.NewString(), Value: value, Headers: []eventlog.Header{{Key: "ce_specversion", Value: []byte("1.0")}}})
	if err != nil && !b.gone() {
		w.tb.Fatal(err)
	}
}

// dump writes every record of topics down.
func (w *world) dump(b *broker, topics ...string) string {
	w.tb.Helper()
	log := b.open(reader)
	defer log.Close()
	path := filepath.Join(w.tb.TempDir(), "log.jsonl")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.tb.Fatal(err)
	}
	out := json.NewEncoder(f)
	var errs []error
	for _, topic := range topics {
		errs = append(errs, log.Scan(w.tb.Context(), topic, func(r eventlog.Record) error {
			line := witness.Record{Topic: topic, Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value, Headers: map[string]string{}}
			for _, h := range r.Headers {
				line.Headers[h.Key] = string(h.Value)
			}
			return out.Encode(line)
		}))
	}
	if err := errors.Join(append(errs, f.Close())...); err != nil {
		w.tb.Fatal(err)
	}
	return path
}

// judge lets the checker judge what everybody saw, and further files.
func (w *world) judge(further ...string) verdict.Report {
	w.tb.Helper()
	args := []string{"--json", "--ledger", w.form.ledger()}
	for flag, name := range map[string]string{"--producers": "producers", "--recipients": "recipients"} {
		if _, err := os.Stat(w.recorder.path(name)); err == nil {
			args = append(args, flag, w.recorder.path(name))
		}
	}
	w.recorder.mu.Lock() // no line is half written while it reads
	cmd := exec.CommandContext(w.tb.Context(), programs.checker, append(args, further...)...)
	out, err := cmd.Output()
	w.recorder.mu.Unlock()
	exit, refused := errors.AsType[*exec.ExitError](err)
	if err != nil && (!refused || exit.ExitCode() != 3) {
		w.tb.Fatalf("ledgercheck: %v %s", err, exit.Stderr)
	}
	var r verdict.Report
	if err := json.Unmarshal(out, &r); err != nil {
		w.tb.Fatal(err)
	}
	if r.Whole == refused {
		w.tb.Fatalf("ledgercheck says whole=%t and ends with %v", r.Whole, err)
	}
	return r
}

// wantWhole fails with everything that is broken.
func (w *world) wantWhole(when string, r verdict.Report) {
	w.tb.Helper()
	for _, rule := range r.Rules {
		for _, v := range rule.Violations {
			w.tb.Errorf("%s: %s: %s: %s %v", when, rule.Rule, v.Where, v.What, v.IDs)
		}
	}
}

// broken lists the rules that are broken.
func broken(r verdict.Report) (out []string) {
	for _, rule := range r.Rules {
		if !rule.Holds {
			out = append(out, rule.Rule)
		}
	}
	return slices.Clip(out)
}
