package verdict_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/rows"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/verdict"
	"github.com/efa-broker/efa-broker/broker/cmd/ledgercheck/witness"
)

const canary = "CANARY-FORM-0011223344556677"

var (
	start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	key   = ed25519.NewKeyFromSeed(make([]byte, 32))
)

func hash(fields ...string) []byte {
	h := sha256.New()
	for _, f := range fields {
		fmt.Fprintf(h, "%d:%s", len(f), f)
	}
	return h.Sum(nil)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// seal makes the receipts of a case anew, by the documented formats.
func seal(l *rows.Ledger, caseID string) {
	public, _ := key.Public().(ed25519.PublicKey)
	id := "receipt-" + digest(public)[:32]
	l.Keys = map[string][]byte{id: public}
	l.Receipts[caseID] = nil
	previous := strings.Repeat("0", 64)
	for i := range l.Events[caseID] {
		e := &l.Events[caseID][i]
		at := e.At.Format(time.RFC3339Nano)
		e.Digest = hex.EncodeToString(hash("efa-event/1", e.ID, e.Source, e.Type, e.Case, e.Tenant, e.Operator, "engine", "engine", "", at,
			strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.EngineSeq, 10), e.Data, e.TraceParent))
		sum := hash("efa-receipt/1", e.Case, strconv.FormatInt(e.Seq, 10), e.ID, e.Digest, previous, at)
		r := rows.Receipt{
			Case: e.Case, Event: e.ID, Digest: e.Digest, Previous: previous, Hash: hex.EncodeToString(sum), Key: id,
			Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, sum)), Seq: e.Seq, At: e.At,
		}
		l.Receipts[caseID] = append(l.Receipts[caseID], r)
		previous = r.Hash
	}
	c := l.Cases[caseID]
	c.Head = previous
	l.Cases[caseID] = c
}

func exchange(authority, method, path string, body any) witness.Exchange {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return witness.Exchange{Authority: authority, Method: method, Path: path, Status: 200, Body: raw, SHA256: digest(raw)}
}

// whole is the testimony of one case: submitted, announced to the chamber, fetched, accepted, closed.
func whole() verdict.Testimony {
	l := &rows.Ledger{
		Cases:    map[string]rows.Case{"c": {ID: "c", Tenant: "muenchen", Submitter: "portal", State: "closed", Seq: 4, EngineSeq: 1}},
		Events:   map[string][]rows.Event{},
		Receipts: map[string][]rows.Receipt{},
		Outbox:   map[rows.Seq]bool{},
		Positions: map[string]map[string]int64{
			"efa.starter": {"c": 4}, "efa.delivery": {"c": 4},
		},
		Deliveries: []rows.Delivery{{
			ID: "d", Authority: "ihk", Case: "c", Event: "c/inform/1/1", Role: "chamber", Purpose: "p", State: "accepted", Epoch: 1, InboxSeq: 1, Seq: 2, Sequence: 1,
		}},
		Counters: map[string]rows.Counter{"ihk": {Epoch: 1, Seq: 1}},
		Decisions: map[string]rows.Decision{
			"a": {ID: "a", Case: "c", Stage: "abstract", Recipient: "ihk", Role: "chamber", Purpose: "p", Digest: digest(nil), At: start},
			"f": {
				ID: "f", Case: "c", Stage: "concrete", Outcome: "release", Recipient: "ihk", Role: "chamber", Purpose: "p", Disclosure: "x", Content: "k",
				Digest: digest([]byte("sealed")), Sealed: []byte("sealed"), Released: []string{"gewa1.1"}, At: start,
			},
		},
		Participation: map[string]bool{"c|ihk|chamber": true},
		Claimed:       map[string]bool{"c": true}, Tasks: map[string]string{}, Erased: map[string]time.Time{},
	}
	add := func(typ, id, data string, engine int64) {
		e := rows.Event{
			Case: "c", Seq: int64(len(l.Events["c"])) + 1, EngineSeq: engine, ID: id, Source: "urn:efa", Type: typ, Operator: "bayern", Tenant: "muenchen",
			Actor: `{"id":"engine","role":"engine"}`, Data: data, At: start,
		}
		if err := json.Unmarshal([]byte(data), &e.About); err != nil {
			panic(err)
		}
		l.Events["c"] = append(l.Events["c"], e)
		l.Outbox[rows.Seq{Case: "c", N: e.Seq}] = true
	}
	add("de.efa.case.submitted.v1", "c/submitted", `{}`, 1)
	add("de.efa.content.announced.v1", "c/inform/1/1", `{"authority":"ihk","role":"chamber","purpose":"p","decision_id":"a"}`, 0)
	add("de.efa.disclosure.recorded.v1", "f",
		`{"authority":"ihk","decision_id":"f","disclosure_id":"x","content_id":"k","record":"`+digest([]byte("sealed"))+`"}`, 0)
	add("de.efa.case.closed.v1", "c/close/1/1", `{}`, 0)
	seal(l, "c")
	r := l.Receipts["c"][0]
	t := verdict.Testimony{
		Ledger: l,
		Claims: []witness.Claim{
			{Actor: "portal", Op: witness.Invoke, ID: "s", SHA256: digest([]byte("body")), Canaries: map[string][]string{canary: {"gewa1.1"}}},
			{Actor: "portal", Op: witness.OK, ID: "s", Case: "c", Receipt: &witness.Receipt{Event: r.Event, Seq: 1, Hash: r.Hash, Key: r.Key, Signature: r.Signature}},
		},
		Exchanges: []witness.Exchange{
			exchange("ihk", "GET", "/v1/inbox?limit=100", map[string]any{"items": []any{map[string]any{
				"cursor": "1.1", "delivery_id": "d", "event_id": "c/inform/1/1", "case_id": "c", "sequence": 1, "authority": "ihk",
			}}}),
			exchange("ihk", "POST", "/v1/contents/k/fetch", map[string]any{
				"content_id": "k", "case_id": "c", "disclosure_id": "x", "decision_id": "f", "outcome": "release", "released": []string{"gewa1.1"},
				"content": map[string]any{"name": canary},
			}),
		},
		Texts: func(see func(string, []byte)) error { see("events.data", []byte(`{}`)); return nil },
	}
	for i, e := range l.Events["c"] {
		t.Records = append(t.Records, witness.Record{Offset: int64(i), Key: "c", Value: []byte(e.Data), Headers: map[string]string{
			"ce_id": e.ID, "ce_source": e.Source, "ce_type": e.Type, "ce_subject": "c", "ce_tenant": e.Tenant, "ce_caseseq": strconv.FormatInt(e.Seq, 10),
		}})
	}
	return t
}

func judge(t *testing.T, of verdict.Testimony) map[string][]verdict.Violation {
	t.Helper()
	r, err := verdict.Judge(of)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rules) != 8 {
		t.Fatalf("%d rules were applied", len(r.Rules))
	}
	out := map[string][]verdict.Violation{}
	for _, rule := range r.Rules {
		if rule.Checked == 0 {
			t.Errorf("%s looked at nothing", rule.Rule)
		}
		if !rule.Holds {
			out[rule.Rule] = rule.Violations
		}
	}
	if r.Whole != (len(out) == 0) {
		t.Errorf("whole=%t with %d broken rules", r.Whole, len(out))
	}
	return out
}

func TestAWholeCaseIsWhole(t *testing.T) {
	t.Parallel()
	if r, err := verdict.Judge(whole()); err != nil || r.Figures.Cases != 1 || r.Figures.Closed != 1 {
		t.Errorf("%+v, %v", r.Figures, err)
	}
	for rule, v := range judge(t, whole()) {
		t.Errorf("%s: %v", rule, v)
	}
}

// alterEvent changes one event and seals the case again, as a broker with a fault would.
func alterEvent(of *verdict.Testimony, n int, change func(*rows.Event)) {
	change(&of.Ledger.Events["c"][n])
	seal(of.Ledger, "c")
	r := of.Ledger.Receipts["c"][0]
	of.Claims[1].Receipt.Hash, of.Claims[1].Receipt.Signature = r.Hash, r.Signature
}

// TestEachFaultBreaksItsRule changes one thing of a whole case; the rule says what it is.
func TestEachFaultBreaksItsRule(t *testing.T) {
	t.Parallel()
	delivery := func(change func(*rows.Delivery)) func(*verdict.Testimony) {
		return func(of *verdict.Testimony) { change(&of.Ledger.Deliveries[0]) }
	}
	decision := func(id string, change func(*rows.Decision)) func(*verdict.Testimony) {
		return func(of *verdict.Testimony) {
			d := of.Ledger.Decisions[id]
			change(&d)
			of.Ledger.Decisions[id] = d
		}
	}
	for name, c := range map[string]struct {
		rule, says string
		change     func(*verdict.Testimony)
	}{
		"acknowledged, not there": {verdict.Lost, "has no case", func(of *verdict.Testimony) { of.Claims[1].Case = "gone" }},
		"no outbox row": {verdict.Lost, "has no outbox row", func(of *verdict.Testimony) {
			delete(of.Ledger.Outbox, rows.Seq{Case: "c", N: 4})
			of.Records = of.Records[:3]
		}},
		"lost by the event log":   {verdict.Lost, "is not there", func(of *verdict.Testimony) { of.Records = of.Records[:3] }},
		"passed over by delivery": {verdict.Lost, "nothing in its inbox", func(of *verdict.Testimony) { of.Ledger.Deliveries = nil }},
		"opened twice": {verdict.Duplicate, "opened two cases", func(of *verdict.Testimony) {
			again := of.Claims[1]
			again.Case = "c2"
			of.Claims = append(of.Claims, again)
		}},
		"a case without a claim": {verdict.Duplicate, "no submission id names", func(of *verdict.Testimony) { of.Ledger.Claimed = nil }},
		"closed twice": {verdict.Duplicate, "one effect twice", func(of *verdict.Testimony) {
			alterEvent(of, 2, func(e *rows.Event) { e.Type = "de.efa.case.closed.v1" })
		}},
		"delivered twice": {verdict.Duplicate, "in an inbox twice", func(of *verdict.Testimony) {
			of.Ledger.Deliveries = append(of.Ledger.Deliveries, of.Ledger.Deliveries[0])
		}},
		"a case of nobody": {verdict.Phantom, "no producer was told of", func(of *verdict.Testimony) {
			of.Ledger.Cases["x"] = rows.Case{ID: "x"}
		}},
		"a record of nobody": {verdict.Phantom, "the ledger does not hold", func(of *verdict.Testimony) {
			of.Records = append(of.Records, witness.Record{Offset: 9, Key: "c", Value: []byte("{}")})
		}},
		"an answer that was passed over": {verdict.Lost, "passed over", func(of *verdict.Testimony) {
			of.Outboxes = []witness.Record{said()}
			of.Ledger.ReadTo = map[rows.Place]int64{{Topic: outbox}: 0}
		}},
		"an answer without effect": {verdict.Lost, "holds nothing of it", func(of *verdict.Testimony) {
			of.Outboxes = []witness.Record{said()}
			of.Ledger.Taken = []rows.Taken{taken()}
		}},
		"an answer of nobody": {verdict.Phantom, "stands on no topic", func(of *verdict.Testimony) {
			of.Outboxes, of.Ledger.Taken = []witness.Record{}, []rows.Taken{taken()}
		}},
		"content in an answer": {verdict.Leak, "in the event log", func(of *verdict.Testimony) {
			of.Outboxes = []witness.Record{said()}
			of.Outboxes[0].Headers["x"] = canary
		}},
		"a record with another body": {verdict.Phantom, "the ledger does not hold", func(of *verdict.Testimony) { of.Records[0].Value = []byte(`{"a":1}`) }},
		"an item of nobody":          {verdict.Phantom, "a recipient saw an item", delivery(func(d *rows.Delivery) { d.ID = "e" })},
		"a delivery without event":   {verdict.Phantom, "a delivery has no event", delivery(func(d *rows.Delivery) { d.Event = "e" })},
		"a gap in a case": {verdict.Order, "stands at place", func(of *verdict.Testimony) {
			alterEvent(of, 3, func(e *rows.Event) { e.Seq = 5 })
		}},
		"a gap of the process": {verdict.Order, "engine_seq", func(of *verdict.Testimony) {
			alterEvent(of, 3, func(e *rows.Event) { e.EngineSeq = 3 })
		}},
		"published out of order": {verdict.Order, "behind event", func(of *verdict.Testimony) {
			of.Records[1], of.Records[2] = of.Records[2], of.Records[1]
		}},
		"a gap in an inbox":     {verdict.Order, "place 2 of an inbox follows 0", delivery(func(d *rows.Delivery) { d.InboxSeq = 2 })},
		"a counter gone wrong":  {verdict.Order, "the counter stands at", func(of *verdict.Testimony) { of.Ledger.Counters["ihk"] = rows.Counter{Epoch: 1, Seq: 7} }},
		"a gap that is visible": {verdict.Order, "an authority sees number", delivery(func(d *rows.Delivery) { d.Sequence = 2 })},
		"a place with two things": {verdict.Order, "showed two deliveries", func(of *verdict.Testimony) {
			other := of.Exchanges[0]
			other.Body = []byte(strings.ReplaceAll(string(other.Body), `"delivery_id":"d"`, `"delivery_id":"e"`))
			of.Exchanges = append(of.Exchanges, other)
		}},
		"a field that was not released": {verdict.Leak, "does not release", decision("f", func(d *rows.Decision) { d.Released = []string{"gewa1.2"} })},
		"content in another answer": {verdict.Leak, "hands over none", func(of *verdict.Testimony) {
			of.Exchanges = append(of.Exchanges, witness.Exchange{Authority: "ihk", Method: "GET", Path: "/v1/cases", Status: 500, Body: []byte(canary)})
		}},
		"content of another case": {verdict.Leak, "content of another case", func(of *verdict.Testimony) { of.Claims[1].Case = "other" }},
		"content in a header":     {verdict.Leak, "in the event log", func(of *verdict.Testimony) { of.Records[0].Headers["x"] = canary }},
		"content in a column, in base64": {verdict.Leak, "in the database", func(of *verdict.Testimony) {
			of.Texts = func(see func(string, []byte)) error {
				see("events.data", []byte(base64.StdEncoding.EncodeToString([]byte("x"+canary))))
				return nil
			}
		}},
		"announced without a decision":    {verdict.Authorised, "without a recorded decision", decision("a", func(d *rows.Decision) { d.Recipient = "hwk" })},
		"announced before the decision":   {verdict.Authorised, "without a recorded decision", decision("a", func(d *rows.Decision) { d.At = start.Add(time.Second) })},
		"told without a part":             {verdict.Authorised, "takes no part", func(of *verdict.Testimony) { of.Ledger.Participation = nil }},
		"an item for another city":        {verdict.Authorised, "its event does not name", delivery(func(d *rows.Delivery) { d.Authority = "hwk" })},
		"fetched without a decision":      {verdict.Authorised, "handed over without", func(of *verdict.Testimony) { delete(of.Ledger.Decisions, "f") }},
		"fetched on somebody else's":      {verdict.Authorised, "something else", func(of *verdict.Testimony) { of.Exchanges[1].Authority = "hwk" }},
		"more fields than released":       {verdict.Authorised, "does not release", decision("f", func(d *rows.Decision) { d.Released = nil })},
		"a record other than was decided": {verdict.Authorised, "not the one that was decided", decision("f", func(d *rows.Decision) { d.Disclosure = "y" })},
		"released after the erasure":      {verdict.Authorised, "after the case was erased", func(of *verdict.Testimony) { of.Ledger.Erased["c"] = start.Add(-time.Second) }},
		"an altered event":                {verdict.Evidence, "does not commit", func(of *verdict.Testimony) { of.Ledger.Events["c"][1].Data += " " }},
		"a forged signature": {verdict.Evidence, "is not signed", func(of *verdict.Testimony) {
			of.Ledger.Receipts["c"][1].Signature = of.Ledger.Receipts["c"][0].Signature
		}},
		"an unknown key":                   {verdict.Evidence, "names a key", func(of *verdict.Testimony) { of.Ledger.Keys = nil }},
		"a receipt that is missing":        {verdict.Evidence, "events and", func(of *verdict.Testimony) { of.Ledger.Receipts["c"] = of.Ledger.Receipts["c"][:3] }},
		"a chain that ends somewhere else": {verdict.Evidence, "does not end at the head", func(of *verdict.Testimony) { of.Ledger.Cases["c"] = rows.Case{ID: "c", Seq: 4, EngineSeq: 1} }},
		"another receipt than was given":   {verdict.Evidence, "another receipt", func(of *verdict.Testimony) { of.Claims[1].Receipt.Hash = "00" }},
		"an altered decision record":       {verdict.Evidence, "does not have its digest", decision("f", func(d *rows.Decision) { d.Sealed = []byte("other") })},
		"one announced, none accounted":    {verdict.Conservation, "accounted for", func(of *verdict.Testimony) { of.Ledger.Deliveries = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := whole()
			c.change(&of)
			for _, v := range judge(t, of)[c.rule] {
				if strings.Contains(v.What, c.says) {
					return
				}
			}
			t.Errorf("%s did not say that it %s: %v", c.rule, c.says, judge(t, of))
		})
	}
}

const outbox = "efa.outbox.ihk"

// said is the record of the chamber that it could read its item.
func said() witness.Record {
	return witness.Record{Topic: outbox, Key: "c", Value: []byte(`{"delivery_id":"d"}`), Headers: map[string]string{"ce_id": "delivery/d", "ce_source": "urn:ihk"}}
}

func taken() rows.Taken {
	return rows.Taken{Source: "urn:ihk", ID: "delivery/d", Case: "c", Place: rows.Place{Topic: outbox}}
}

// TestAnAnswerIsTakenRefusedOrNotReadYet, and one that comes twice, in either mode, has one effect.
func TestAnAnswerIsTakenRefusedOrNotReadYet(t *testing.T) {
	t.Parallel()
	of := whole()
	alterEvent(&of, 3, func(e *rows.Event) {
		e.Type, e.Data, e.About = "de.efa.delivery.accepted.v1", `{"delivery_id":"d"}`, rows.About{Delivery: "d"}
	})
	of.Records[3].Headers["ce_type"], of.Records[3].Value = "de.efa.delivery.accepted.v1", []byte(`{"delivery_id":"d"}`)
	structured := witness.Record{Topic: outbox, Offset: 1, Value: []byte(`{"id":"delivery/d","source":"urn:ihk","data":{"delivery_id":"d"}}`)}
	rubbish := witness.Record{Topic: outbox, Offset: 2, Value: []byte(`?`)}
	waiting := witness.Record{Topic: outbox, Offset: 3, Value: []byte(`{}`)}
	of.Outboxes = []witness.Record{said(), structured, rubbish, waiting}
	of.Ledger.Taken = []rows.Taken{taken()}
	of.Ledger.Refused = map[rows.Place]bool{{Topic: outbox, Offset: 2}: true}
	of.Ledger.ReadTo = map[rows.Place]int64{{Topic: outbox}: 2}
	for rule, v := range judge(t, of) {
		t.Errorf("%s: %v", rule, v)
	}
	if r, err := verdict.Judge(of); err != nil || r.Figures.Open != 1 || r.Figures.Answers != 1 {
		t.Errorf("%+v %v", r.Figures, err)
	}
}

// TestASubmissionOfUnknownFateMayGoEitherWay: its case may exist, with all that follows, but not twice, and it is nobody
// else's.
func TestASubmissionOfUnknownFateMayGoEitherWay(t *testing.T) {
	t.Parallel()
	of := whole()
	of.Claims[1] = witness.Claim{Actor: "portal", Op: witness.Info, ID: "s", Code: "unavailable"}
	if broken := judge(t, of); len(broken) > 0 {
		t.Errorf("there: %v", broken)
	}
	of.Ledger.Cases["x"] = rows.Case{ID: "x"}
	if broken := judge(t, of); len(broken[verdict.Phantom]) != 1 {
		t.Errorf("a second case: %v", broken)
	}
	of.Claims = append(of.Claims, witness.Claim{Actor: "portal", Op: witness.Invoke, ID: "other", SHA256: digest([]byte("other"))}, witness.Claim{
		Actor: "portal", Op: witness.OK, ID: "other", Case: "c", Receipt: whole().Claims[1].Receipt,
	})
	if broken := judge(t, of); len(broken[verdict.Leak]) != 1 {
		t.Errorf("content of it in a case that is somebody else's: %v", broken)
	}
}

func TestARecordThatWasForgedOnPurposeIsNoFaultOfTheBroker(t *testing.T) {
	t.Parallel()
	of := whole()
	forged := []byte(`{"forged":1}`)
	of.Claims = append(of.Claims, witness.Claim{Actor: "forger", Op: witness.Forge, ID: "x", SHA256: digest(forged)})
	of.Records = append(of.Records, witness.Record{Offset: 9, Key: "x", Value: forged})
	if broken := judge(t, of); len(broken) > 0 {
		t.Errorf("%v", broken)
	}
}

func TestACanaryIsFoundInAnyFileAndSpelling(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	of := whole()
	of.Nowhere = []string{dir}
	filler := strings.Repeat("x", 1<<20-10) // it lies across the border of what is read at once
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte(filler), 0o600); err != nil {
		t.Fatal(err)
	}
	if broken := judge(t, of); len(broken) > 0 {
		t.Errorf("nothing is there: %v", broken)
	}
	for offset := range 6 {
		text := strings.Repeat("y", offset) + canary + "z"
		for _, spelled := range []string{
			text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
			base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text)),
		} {
			if err := os.WriteFile(filepath.Join(dir, "log"), []byte(filler+spelled), 0o600); err != nil {
				t.Fatal(err)
			}
			if broken := judge(t, of); len(broken[verdict.Leak]) != 1 {
				t.Errorf("not found at offset %d as %s: %v", offset, spelled, broken)
			}
		}
	}
}
