package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/backoffice/kafkaoutbox"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event"
	said "github.com/efa-broker/efa-broker/contracts/event/answer"
)

// speakers are the keys of the authorities that speak Kafka in a test, and the file in which they are registered.
type speakers struct {
	tb   testing.TB
	path string
	keys map[string]crypto.Signer
	rows []string
}

func newSpeakers(tb testing.TB) *speakers {
	tb.Helper()
	return &speakers{tb: tb, path: filepath.Join(tb.TempDir(), "keys.csv"), keys: map[string]crypto.Signer{}}
}

// register makes a key of an authority, whose id is that of the authority with a suffix; revoked may be empty.
func (s *speakers) register(a, suffix, begins, ends, revoked string) {
	s.tb.Helper()
	var private crypto.Signer
	var algorithm seal.Algorithm
	var err error
	if len(s.rows)%2 == 0 {
		_, private, err = ed25519.GenerateKey(rand.Reader)
		algorithm = seal.Ed25519
	} else {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		algorithm = seal.ES256
	}
	if err != nil {
		s.tb.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		s.tb.Fatal(err)
	}
	s.keys[a+suffix] = private
	s.rows = append(s.rows, strings.Join([]string{a, a, a + suffix, string(algorithm), base64.StdEncoding.EncodeToString(public), begins, ends, revoked}, ","))
	head := "authority,principal,key_id,algorithm,public_key,begins,ends,revoked\n"
	if err := os.WriteFile(s.path, []byte(head+strings.Join(s.rows, "\n")+"\n"), 0o600); err != nil {
		s.tb.Fatal(err)
	}
}

// speak registers authorities with a good key each.
func speak(tb testing.TB, authorities ...string) *speakers {
	tb.Helper()
	s := newSpeakers(tb)
	for _, a := range authorities {
		s.register(a, "", "2026-01-01T00:00:00Z", "", "")
	}
	return s
}

func (s *speakers) set(cfg *config.Standalone) { cfg.AuthorityKeys = s.path }

// listening is a house in which the speakers are heard.
func listening(t *testing.T, s *speakers) *house {
	t.Helper()
	cfg := options(t.TempDir())
	s.set(&cfg)
	log := &lockedBuffer{}
	p, err := start(t.Context(), cfg, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{tb: t, program: p, log: log}
	t.Cleanup(h.stop)
	return h
}

// eventLog is a client of the embedded event log.
func (h *house) eventLog() *kafkalog.Log {
	h.tb.Helper()
	l, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.program.kafkaAddr}, Logger: h.program.log})
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() { _ = l.Close() })
	return l
}

// outbox lets an authority answer over Kafka; api is what it does over HTTP.
func (h *house) outbox(s *speakers, a string, structured bool, api backoffice.Port) *kafkaoutbox.Outbox {
	h.tb.Helper()
	o, err := kafkaoutbox.Open(kafkaoutbox.Config{
		Port: api, Log: h.eventLog(), Authority: authority.ID(a), Operator: operator, Structured: structured,
		Signer: seal.Signer{KeyID: a, Private: s.keys[a]},
	})
	if err != nil {
		h.tb.Fatal(err)
	}
	return o
}

// noPort is the other side of an authority that answers only.
type noPort struct{ backoffice.Port }

// TestACaseIsAnsweredOverKafka plays the main job with the two trade offices and a recipient answering by sealed events, in
// both modes.
func TestACaseIsAnsweredOverKafka(t *testing.T) {
	t.Parallel()
	s := speak(t, "gewerbeamt-muenchen", "gewerbeamt-nuernberg", "ihk-muenchen")
	h := listening(t, s)
	h.play(offices.Config{Through: func(id authority.ID, api backoffice.Port) (backoffice.Port, error) {
		if s.keys[string(id)] == nil {
			return api, nil
		}
		return h.outbox(s, string(id), id == "gewerbeamt-nuernberg", api), nil
	}})
	pkg := packageOf(t, registration)
	first := h.whole(h.submit(example(t, pkg, exampleNames(pkg)[0])))
	second := h.whole(first.second)
	if !first.closed || !second.closed || !first.accepted["ihk-muenchen"] {
		t.Errorf("closed %t and %t, accepted %v", first.closed, second.closed, first.accepted)
	}
	for _, e := range first.events {
		if e.Type == event.TypeTaskCompleted && decode[event.TaskCompleted](t, e).Step == "register" && e.Actor.ID != "gewerbeamt-muenchen" {
			t.Errorf("the task was completed by %+v", e.Actor)
		}
	}
	answered := h.answered()
	for _, a := range []string{"gewerbeamt-muenchen", "gewerbeamt-nuernberg", "ihk-muenchen"} {
		if answered[a] == 0 {
			t.Errorf("%s did not answer over Kafka: %v", a, answered)
		}
	}
	if letters := h.letters("efa.outbox.%"); len(letters) > 0 {
		t.Errorf("refused: %v", letters)
	}
	h.verified()
}

// answered counts the answers that were taken from topics.
func (h *house) answered() map[string]int {
	h.tb.Helper()
	out := map[string]int{}
	h.query(`select authority, '', log_offset from ingress_events`, func(a, _ string, _ int64) { out[a]++ })
	return out
}

// letters maps offset to reason, of the topics like a pattern.
func (h *house) letters(pattern string) map[int64]string {
	h.tb.Helper()
	out := map[int64]string{}
	h.query(`select reason, digest, log_offset from dead_letters where state = 'refused' and topic like '`+pattern+`'`, func(reason, _ string, offset int64) { out[offset] = reason })
	return out
}

func (h *house) query(query string, see func(a, b string, n int64)) {
	h.tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.program.cfg.Data, "ledger.db")+"?mode=ro")
	if err != nil {
		h.tb.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(h.tb.Context(), query)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		var n int64
		if err := rows.Scan(&a, &b, &n); err != nil {
			h.tb.Fatal(err)
		}
		see(a, b, n)
	}
	if err := rows.Err(); err != nil {
		h.tb.Fatal(err)
	}
}

// attack is a record for a topic, and the reason for which it must be refused; "" for one that is taken.
type attack struct {
	name   string
	reason string
	record eventlog.Record
}

// assault writes hostile records of an authority.
type assault struct {
	*house
	*speakers
	sender  string
	attacks []attack
}

// event is a good answer that the sender is not competent for a task.
func (a *assault) event(caseID, task string) cloudevent.Event {
	return cloudevent.Event{
		ID: "answer/" + uuid.NewString(), Source: said.Source(authority.ID(a.sender)), Type: said.TypeReturned, Subject: caseID,
		Time: time.Now().UTC().Format(time.RFC3339), DataContentType: "application/json", Data: []byte(`{"task_id":"` + task + `"}`),
		Extensions: map[string]string{said.ExtOperator: operator, event.ExtPartitionKey: caseID},
	}
}

// add seals an event by a key, changes the record that carries it, and expects a reason.
func (a *assault) add(name, reason, key string, e cloudevent.Event, structured bool, changes ...func(r *eventlog.Record)) {
	a.house.tb.Helper()
	o, err := kafkaoutbox.Open(kafkaoutbox.Config{
		Port: noPort{}, Log: a.eventLog(), Authority: authority.ID(a.sender), Operator: operator, Structured: structured,
		Signer: seal.Signer{KeyID: key, Private: a.keys[key]},
	})
	if err != nil {
		a.house.tb.Fatal(err)
	}
	r, err := o.Record(e)
	if err != nil {
		a.house.tb.Fatal(err)
	}
	for _, change := range changes {
		change(&r)
	}
	a.attacks = append(a.attacks, attack{name, reason, r})
}

// changed is e after a change.
func changed(e cloudevent.Event, change func(e *cloudevent.Event)) cloudevent.Event {
	extensions := map[string]string{}
	maps.Copy(extensions, e.Extensions)
	e.Extensions = extensions
	change(&e)
	return e
}

func header(key, value string) func(r *eventlog.Record) {
	return func(r *eventlog.Record) {
		r.Headers = append(r.Headers, eventlog.Header{Key: key, Value: []byte(value)})
	}
}

func replace(key, value string) func(r *eventlog.Record) {
	return func(r *eventlog.Record) {
		for i := range r.Headers {
			if r.Headers[i].Key == key {
				r.Headers[i].Value = []byte(value)
			}
		}
	}
}

func without(key string) func(r *eventlog.Record) {
	return func(r *eventlog.Record) {
		var kept []eventlog.Header
		for _, h := range r.Headers {
			if h.Key != key {
				kept = append(kept, h)
			}
		}
		r.Headers = kept
	}
}

func body(text string) func(r *eventlog.Record) {
	return func(r *eventlog.Record) { r.Value = []byte(text) }
}

// TestHostileRecordsOfAnOutboxAreRefusedWithTheirReason writes the catalogue of hostile input to the topic of an authority.
// Nothing is kept of it but a dead letter without a byte of it and an audit line, and what is good behind it counts.
func TestHostileRecordsOfAnOutboxAreRefusedWithTheirReason(t *testing.T) {
	t.Parallel()
	s := speak(t, "gewerbeamt-muenchen", "gewerbeamt-nuernberg")
	s.register("gewerbeamt-muenchen", "-old", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "")
	s.register("gewerbeamt-muenchen", "-lost", "2024-01-01T00:00:00Z", "", "2026-01-01T00:00:00Z")
	s.register("gewerbeamt-muenchen", "-next", "2124-01-01T00:00:00Z", "", "")
	h := listening(t, s)
	pkg := packageOf(t, registration)
	caseID, own := h.assigned(example(t, pkg, exampleNames(pkg)[0]))
	otherCase, otherTask := h.assigned(example(t, pkg, exampleNames(pkg)[0]))
	a := &assault{house: h, speakers: s, sender: "gewerbeamt-muenchen"}
	a.envelopes(caseID, own)
	a.seals(caseID, own)
	a.contents(caseID, own, otherCase, otherTask)
	before := h.rows()
	log := h.eventLog()
	for _, x := range a.attacks {
		if err := log.Publish(t.Context(), x.record); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
	}
	h.events(otherCase, func(all []event.Recorded) bool { return count(all, event.TypeTaskReturned) == 1 }) // the last one of all
	letters, refused := h.letters("efa.outbox.gewerbeamt-muenchen"), 0
	for i, x := range a.attacks {
		if letters[int64(i)] != x.reason {
			t.Errorf("%s: %q, want %q", x.name, letters[int64(i)], x.reason)
		}
		if x.reason != "" {
			refused++
		}
	}
	after := h.rows()
	if got := after["audit_lines"] - before["audit_lines"]; got != refused {
		t.Errorf("%d audit lines for %d refusals", got, refused)
	}
	if got := after["contents"] - before["contents"]; got != 0 {
		t.Errorf("%d contents were stored", got)
	}
	if states := h.states(caseID); states[event.TypeTaskReturned] != 1 || states[event.TypeTaskCompleted] > 0 {
		t.Errorf("events of the case: %v", states)
	}
	for path, raw := range files(t, h.program.cfg.Data) {
		if !strings.Contains(path, string(filepath.Separator)+"kafka"+string(filepath.Separator)) && strings.Contains(string(raw), secret) {
			t.Errorf("%s holds a byte of a hostile record", path)
		}
	}
	if strings.Contains(string(h.log.Bytes()), secret) {
		t.Error("the log holds a byte of a hostile record")
	}
	h.verified()
}

// assigned files an application and returns the case and the task that München's trade office gets.
func (h *house) assigned(app map[string]any) (caseID, task string) {
	h.tb.Helper()
	caseID = h.submit(app)
	for _, e := range h.events(caseID, func(all []event.Recorded) bool { return count(all, event.TypeTaskAssigned) > 0 }) {
		if e.Type == event.TypeTaskAssigned {
			task = decode[event.TaskAssigned](h.tb, e).Task
		}
	}
	return caseID, task
}

// states counts the events of a case by type.
func (h *house) states(caseID string) map[string]int {
	h.tb.Helper()
	out := map[string]int{}
	for _, e := range h.events(caseID, func(all []event.Recorded) bool { return len(all) > 0 }) {
		out[e.Type]++
	}
	return out
}

// envelopes are records that are no CloudEvent which every reader reads alike.
func (a *assault) envelopes(caseID, task string) {
	good, key := a.event(caseID, task), a.sender
	plain := eventlog.Record{Topic: said.Topic(authority.ID(a.sender)), Key: "k", Value: []byte(`{"name":"` + secret + `"}`)}
	a.attacks = append(a.attacks, attack{"a plain record", "not_an_event", plain})
	a.add("no ce_specversion", "not_an_event", key, good, false, without("ce_specversion"))
	a.add("an unknown version", "unknown_version", key, good, false, replace("ce_specversion", "2.0"))
	a.add("a header twice", "repeated_header", key, good, false, header("ce_subject", secret))
	a.add("a header twice in another case", "repeated_header", key, good, false, header("CE_Subject", secret))
	a.add("bytes that are no UTF-8", "not_utf8", key, good, false, replace("ce_subject", "\xff"+secret))
	a.add("both modes", "both_modes", key, good, false, replace("content-type", "application/cloudevents+json"))
	a.add("a batch", "unsupported_format", key, good, true, replace("content-type", "application/cloudevents-batch+json"))
	document := string(good.Structured().Value)
	a.add("a name twice", "not_strict_json", key, good, true, body(strings.Replace(document, `"data":`, `"subject":"`+secret+`","data":`, 1)))
	a.add("a byte order mark", "not_strict_json", key, good, true, body("\xef\xbb\xbf"+document))
	a.add("NaN", "not_strict_json", key, good, true, body(strings.Replace(document, `"data":`, `"data":NaN,"x":`, 1)))
	a.add("a deep document", "not_strict_json", key, good, true, body(strings.Replace(document, `"data":`, `"data":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`,"x":`, 1)))
	a.add("an attribute that is no text", "attribute", key, good, true, body(strings.Replace(document, `"subject":"`, `"subject":{},"x":"`, 1)))
	a.add("a sentence as id", "attribute", key, changed(good, func(e *cloudevent.Event) { e.ID = "Erika " + secret }), false)
	size := func(n int) cloudevent.Event { // signed, and exactly n bytes as a record
		e := changed(good, func(e *cloudevent.Event) { e.ID = "answer/size/" + strconv.Itoa(n); e.Data = []byte(`{"task_id":""}`) })
		probe := changed(e, func(e *cloudevent.Event) {
			if err := (seal.Signer{KeyID: key, Private: a.keys[key]}).Seal(e); err != nil {
				a.house.tb.Fatal(err)
			}
		}).Binary()
		probe.Key = caseID
		e.Data = []byte(`{"task_id":"` + strings.Repeat("x", n-probe.Size()) + `"}`)
		return e
	}
	a.add("64 KiB", "schema", key, size(cloudevent.MaxBytes), false)
	a.add("64 KiB and a byte", "too_large", key, size(cloudevent.MaxBytes+1), false)
	a.add("a megabyte", "too_large", key, good, false, body(strings.Repeat(secret, 40_000)))
}

// seals are good events whose seal is not.
func (a *assault) seals(caseID, task string) {
	good, key := a.event(caseID, task), a.sender
	a.add("a forged source", "source_forged", key, changed(good, func(e *cloudevent.Event) { e.Source = said.Source("gewerbeamt-nuernberg") }), false)
	a.add("the broker's own source", "source_forged", key, changed(good, func(e *cloudevent.Event) { e.Source = "urn:efa:operator:bayern" }), false)
	a.add("no seal", "seal_missing", key, good, false, without("ce_"+seal.ExtMaterial))
	a.add("a seal that is none", "seal_malformed", key, good, false, replace("ce_"+seal.ExtMaterial, secret))
	a.add("an earlier kind of seal", "seal_unknown_version", key, good, false, func(r *eventlog.Record) {
		for i, h := range r.Headers {
			if h.Key != "ce_"+seal.ExtMaterial {
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(string(h.Value))
			if err != nil {
				a.house.tb.Fatal(err)
			}
			r.Headers[i].Value = []byte(base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(raw), "dsse/v0.1", "dsse/v0.0", 1))))
		}
	})
	a.add("the key of another", "key_of_another", "gewerbeamt-nuernberg", good, false)
	a.add("an expired key", "key_expired", key+"-old", good, false)
	a.add("a revoked key", "key_revoked", key+"-lost", good, false)
	a.add("a key of the future", "key_not_yet_valid", key+"-next", good, false)
	stranger := a.keys["gewerbeamt-nuernberg"]
	a.keys["stranger"] = stranger
	a.add("an unknown key", "key_unknown", "stranger", good, false)
	saved := a.keys[key]
	a.keys[key] = stranger // the wrong algorithm under the right id
	a.add("another algorithm", "seal_wrong_signature", key, good, false)
	a.keys[key] = saved
	a.add("an altered subject", "altered", key, good, false, replace("ce_subject", "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11"))
	a.add("altered data", "altered", key, good, true, func(r *eventlog.Record) {
		r.Value = []byte(strings.Replace(string(r.Value), `"task_id":"`, `"task_id":"x`, 1))
	})
	a.add("an extension added", "extension_not_sealed", key, good, false, header("ce_tenant", secret))
	a.add("an extension taken away", "altered", key, good, false, without("ce_"+event.ExtPartitionKey))
	a.add("an extension of nobody", "extension_unknown", key, changed(good, func(e *cloudevent.Event) { e.Extensions["note"] = secret }), false)
	a.add("without operator", "extension_missing", key, changed(good, func(e *cloudevent.Event) { delete(e.Extensions, said.ExtOperator) }), false)
	a.add("for another operator", "operator_differs", key, changed(good, func(e *cloudevent.Event) { e.Extensions[said.ExtOperator] = "hessen" }), false)
}

// contents are sealed events that say what the sender may not say, and at last one that it may.
func (a *assault) contents(caseID, task, otherCase, otherTask string) {
	key := a.sender
	say := func(name, reason string, change func(e *cloudevent.Event)) {
		a.add(name, reason, key, changed(a.event(caseID, task), change), false)
	}
	data := func(text string) func(e *cloudevent.Event) {
		return func(e *cloudevent.Event) { e.Data = []byte(text) }
	}
	say("an event of the ledger", "unknown_type", func(e *cloudevent.Event) { e.Type = event.TypeCaseClosed })
	say("a later version", "unknown_version", func(e *cloudevent.Event) { e.Type = "de.efa.answer.returned.v2" })
	say("data that are no JSON", "unsupported_format", func(e *cloudevent.Event) { e.DataContentType = "text/plain" })
	say("no data", "not_strict_json", func(e *cloudevent.Event) { e.Data = []byte(` `) })
	say("a name twice in the data", "not_strict_json", data(`{"task_id":"`+task+`","task_id":"`+otherTask+`"}`))
	say("a member too many", "schema", data(`{"task_id":"`+task+`","note":"`+secret+`"}`))
	say("a sentence as outcome", "schema", func(e *cloudevent.Event) {
		e.Type, e.Data = said.TypeCompleted, []byte(`{"task_id":"`+task+`","outcome":"Frau `+secret+`"}`)
	})
	say("an outcome that the task does not have", "invalid", func(e *cloudevent.Event) {
		e.Type, e.Data = said.TypeCompleted, []byte(`{"task_id":"`+task+`","outcome":"granted"}`)
	})
	say("content of nobody", "invalid", func(e *cloudevent.Event) {
		e.Type = said.TypeCompleted
		e.Data = []byte(`{"task_id":"` + task + `","outcome":"registered","contents":[{"content_id":"` + uuid.NewString() + `"}]}`)
	})
	say("a task that does not exist", "not_found", data(`{"task_id":"`+caseID+`.register.9"}`))
	say("a task of another case", "not_found", data(`{"task_id":"`+otherTask+`"}`))
	say("another case", "not_found", func(e *cloudevent.Event) { e.Subject, e.Extensions[event.ExtPartitionKey] = otherCase, otherCase })
	say("a delivery of nobody", "not_found", func(e *cloudevent.Event) {
		e.Type, e.Data = said.TypeAccepted, []byte(`{"delivery_id":"`+uuid.NewString()+`"}`)
	})
	last := a.event(caseID, task)
	a.add("a good answer", "", key, last, false)
	a.add("the same again", "", key, last, true)
	a.add("another body under its id", "equivocation", key, changed(last, func(e *cloudevent.Event) {
		e.Type, e.Data = said.TypeCompleted, []byte(`{"task_id":"`+task+`","outcome":"registered"}`)
	}), false)
	a.add("another answer", "conflict", key, changed(last, func(e *cloudevent.Event) {
		e.ID, e.Type, e.Data = "answer/another", said.TypeCompleted, []byte(`{"task_id":"`+task+`","outcome":"registered"}`)
	}), false)
	// One that ends the test is behind all others: the other case's task goes back too.
	a.add("behind all", "", key, a.event(otherCase, otherTask), true)
}

// TestForeignTasksAreUnknownToAnAuthorityThatSpeaksKafka lets one authority answer another one's task.
func TestForeignTasksAreUnknownToAnAuthorityThatSpeaksKafka(t *testing.T) {
	t.Parallel()
	s := speak(t, "gewerbeamt-nuernberg")
	h := listening(t, s)
	pkg := packageOf(t, registration)
	caseID, task := h.assigned(example(t, pkg, exampleNames(pkg)[0]))
	a := &assault{house: h, speakers: s, sender: "gewerbeamt-nuernberg"}
	a.add("foreign", "not_found", "gewerbeamt-nuernberg", a.event(caseID, task), false)
	a.add("absent", "not_found", "gewerbeamt-nuernberg", a.event(uuid.NewString(), task), false)
	for _, x := range a.attacks {
		if err := h.eventLog().Publish(t.Context(), x.record); err != nil {
			t.Fatal(err)
		}
	}
	h.awaitLetters("efa.outbox.gewerbeamt-nuernberg", 2)
	for offset, reason := range h.letters("efa.outbox.gewerbeamt-nuernberg") {
		if reason != "not_found" {
			t.Errorf("offset %d: %s", offset, reason)
		}
	}
	if states := h.states(caseID); states[event.TypeTaskReturned]+states[event.TypeTaskCompleted] > 0 {
		t.Errorf("a foreign task was answered: %v", states)
	}
}

// awaitLetters waits until n records of a topic are refused.
func (h *house) awaitLetters(topic string, n int) {
	h.tb.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(h.letters(topic)) < n {
		select {
		case <-tick.C:
		case <-deadline:
			h.tb.Fatalf("refused: %v, want %d", h.letters(topic), n)
		}
	}
}

// authorities that speak Kafka are known by their keys alone.
func TestAKeyOfAnUnknownAuthorityStopsTheStart(t *testing.T) {
	t.Parallel()
	s := speak(t, "gewerbeamt-nirgendwo")
	cfg := options(t.TempDir())
	s.set(&cfg)
	p, err := start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = p.stop(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "gewerbeamt-nirgendwo") {
		t.Errorf("got %v", err)
	}
}
