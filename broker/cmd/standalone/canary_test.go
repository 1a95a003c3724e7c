package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	offices "github.com/efa-broker/efa-broker/adapters/backoffice/demo"
	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts/contractstest"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// rareDate and rareNumber stand where no text fits.
const (
	rareBirthDate = "1913-02-27"
	rareNumber    = 48_271
)

// spiked is an application whose every free text is a canary, and the register entry of the same business, whose own
// texts are canaries too.
func spiked(t *testing.T, pkg service.Package, name string) (app map[string]any, entry offices.Entry, needles []string) {
	t.Helper()
	app, needles = contractstest.Canary(example(t, pkg, name), pkg.Schema, "FORM")
	person, ok := app["person"].(map[string]any)
	if !ok {
		t.Fatal("the example has no person")
	}
	person["birth_date"] = rareBirthDate
	activity, ok := app["activity"].(map[string]any)
	if !ok {
		t.Fatal("the example has no activity")
	}
	activity["workers"] = map[string]any{"full_time": rareNumber, "part_time": 0}
	business, _ := app["business"].(map[string]any)
	text := func(m map[string]any, member string) string { s, _ := m[member].(string); return s }
	entries, err := offices.Register()
	if err != nil {
		t.Fatal(err)
	}
	entry = entries[0]
	entry.Identity = offices.Identity{
		RegisteredName: text(business, "registered_name"), FamilyName: text(person, "family_name"),
		GivenNames: text(person, "given_names"), BirthDate: rareBirthDate,
	}
	entry.Activity.Description = "CANARY-ENTRY-4b1d6c9f02"
	entry.Activity.Workers = json.RawMessage(fmt.Sprintf(`{"full_time":%d,"part_time":0}`, rareNumber))
	entry.MainEstablishment = json.RawMessage(`{"street":"CANARY-ENTRY-99c1f27a40","house_number":"1","postcode":"90403","city":"CANARY-ENTRY-77aa01b3c2","country":"DE","region_key":"095640000000"}`)
	needles = append(needles, entry.Activity.Description, "CANARY-ENTRY-99c1f27a40", "CANARY-ENTRY-77aa01b3c2",
		rareBirthDate, fmt.Sprintf(`"full_time":%d`, rareNumber))
	return app, entry, needles
}

// spellings are the forms in which bytes hide: as they are, in hex, and in base64 at each of its three offsets.
func spellings(needle string) [][]byte {
	out := [][]byte{[]byte(needle), []byte(hex.EncodeToString([]byte(needle))), []byte(strings.ToUpper(hex.EncodeToString([]byte(needle))))}
	for offset := range 3 {
		padded := append(make([]byte, offset), needle...)
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			// Characters that also depend on the neighbours' bits are cut off.
			out = append(out, []byte(enc.EncodeToString(padded)[(offset*8+5)/6:len(padded)*8/6]))
		}
	}
	return out
}

// scan reports every needle that stands in one of the places.
func scan(t *testing.T, needles []string, places map[string][]byte) {
	t.Helper()
	for _, needle := range needles {
		for _, spelling := range spellings(needle) {
			for place, raw := range places {
				if bytes.Contains(raw, spelling) {
					t.Errorf("%s stands in %s as %q", needle, place, spelling)
				}
			}
		}
	}
}

func TestTheScanFindsANeedleInEverySpelling(t *testing.T) {
	t.Parallel()
	const needle = "CANARY-FORM-1"
	for offset := range 7 {
		text := strings.Repeat("x", offset) + needle + "yz"
		for _, haystack := range []string{text, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text))} {
			if !slices.ContainsFunc(spellings(needle), func(s []byte) bool { return strings.Contains(haystack, string(s)) }) {
				t.Errorf("not found at offset %d in %s", offset, haystack)
			}
		}
	}
}

func TestNoContentStandsAnywhereButSealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	pkg := packageOf(t, registration)
	var entries []offices.Entry
	var apps []map[string]any
	var needles []string
	for _, name := range exampleNames(pkg) {
		app, entry, made := spiked(t, pkg, name)
		apps, entries, needles = append(apps, app), append(entries, entry), append(needles, made...)
	}
	const submission = "CANARY-SUBMISSION-Erika.Mustermann" // a portal may choose an id that names a person
	needles = append(needles, "CANARY-REFERENCE")
	received := h.play(offices.Config{Entries: entries, FileReference: func(string) string { return "CANARY-REFERENCE" }})
	for i, app := range apps {
		h.whole(h.whole(h.submitAs(submission+strconv.Itoa(i), app)).second)
	}
	wantReceived(t, needles, files(t, received))
	needles = append(needles, submission)
	places := files(t, dir) // with the write-ahead logs, as they lie while the broker runs
	places["the log"] = h.log.Bytes()
	places["the metrics"] = h.get("/metrics")
	places["the event log, read as a client"] = h.topic()
	if len(places["the event log, read as a client"]) == 0 || len(places) < 20 {
		t.Fatalf("only %d places to look at", len(places))
	}
	scan(t, needles, places)
	h.stop()
	scan(t, needles, files(t, dir))
}

// wantReceived checks that the canaries did travel: the office that obtains everything holds those of the form.
func wantReceived(t *testing.T, needles []string, received map[string][]byte) {
	t.Helper()
	var all []byte
	for path, raw := range received {
		var got backoffice.Fetched
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, raw...)
	}
	missing := slices.DeleteFunc(slices.Clone(needles), func(n string) bool { return bytes.Contains(all, []byte(n)) })
	if want := []string{"CANARY-REFERENCE"}; !slices.Equal(missing, want) { // the file reference stays in München
		t.Errorf("canaries that no office received: %q", missing)
	}
}

// topic reads every record of efa.cases, decompressed by the client.
func (h *house) topic() []byte {
	h.tb.Helper()
	var out []byte
	h.records(func(r eventlog.Record) {
		for _, header := range r.Headers {
			out = append(append(out, header.Key...), header.Value...)
		}
		out = append(append(append(out, r.Topic...), r.Key...), r.Value...)
	})
	return out
}

// records gives every record that efa.cases holds to see.
func (h *house) records(see func(eventlog.Record)) {
	h.tb.Helper()
	log, err := kafkalog.New(kafkalog.Config{Brokers: []string{h.program.kafkaAddr}, Logger: h.program.log})
	if err != nil {
		h.tb.Fatal(err)
	}
	defer log.Close()
	want := int(h.verified().Receipts)
	ctx, cancel := context.WithTimeout(h.tb.Context(), time.Minute)
	defer cancel()
	got := make(chan eventlog.Record)
	go func() {
		_ = log.Consume(ctx, "test."+h.tb.Name(), []string{event.Topic}, func(ctx context.Context, batch []eventlog.Record) error {
			for _, r := range batch {
				select {
				case got <- r:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}()
	for range want {
		select {
		case r := <-got:
			see(r)
		case <-ctx.Done():
			h.tb.Fatal("the event log holds fewer records than the ledger has receipts")
		}
	}
}
