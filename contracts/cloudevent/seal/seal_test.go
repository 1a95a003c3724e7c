package seal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
)

var update = flag.Bool("update", false, "write the vectors anew")

const (
	muenchen  authority.ID = "gewerbeamt-muenchen"
	nuernberg authority.ID = "gewerbeamt-nuernberg"
)

// at is an instant at which the keys of ring count.
var at = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// ecKey is the published key of the extension's own vectors (CloudEvents, verifiability.md); edKey one of a fixed seed.
func ecKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	d, ok := new(big.Int).SetString("97358161215184420915383655311931858321456579547487070936769975997791359926199", 10)
	if !ok {
		tb.Fatal("no number")
	}
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d.FillBytes(make([]byte, 32)))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func edKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("a fixed seed for vectors only, 32"[:32]))
}

func ring(tb testing.TB) seal.Ring {
	tb.Helper()
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	key := func(id string, a authority.ID, public crypto.PublicKey, algorithm seal.Algorithm) seal.Key {
		return seal.Key{ID: id, Authority: a, Principal: string(a), Public: public, Algorithm: algorithm, Begins: year(2026), Ends: year(2027)}
	}
	future, past, revoked := key("next", muenchen, edKey().Public(), seal.Ed25519), key("last", muenchen, edKey().Public(), seal.Ed25519), key("lost", muenchen, edKey().Public(), seal.Ed25519)
	future.Begins, past.Begins, past.Ends, revoked.Revoked = year(2026).AddDate(0, 6, 0), year(2025), year(2026), at
	return seal.Ring{
		key("testkey", muenchen, ecKey(tb).Public(), seal.ES256), key("muenchen-ed", muenchen, edKey().Public(), seal.Ed25519),
		key("nuernberg-ed", nuernberg, edKey().Public(), seal.Ed25519), future, past, revoked,
	}
}

func sample() cloudevent.Event {
	return cloudevent.Event{
		ID: "office/answer/17", Source: "urn:efa:authority:gewerbeamt-muenchen", Type: "de.efa.answer.completed.v1",
		Subject: "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11", Time: "2026-06-01T13:59:58.75+02:00", DataContentType: "application/json",
		Extensions: map[string]string{"operator": "bayern", "partitionkey": "5b0c7a52-6f0e-4a4e-9d53-0d8f1f6b2a11"},
		Data:       []byte(`{"outcome":"registered"}`),
	}
}

func sealed(tb testing.TB, keyID string, private crypto.Signer) cloudevent.Event {
	tb.Helper()
	e := sample()
	if err := (seal.Signer{KeyID: keyID, Private: private}).Seal(&e); err != nil {
		tb.Fatal(err)
	}
	return e
}

// vector is an event with the seal that it must get.
type vector struct {
	Name     string            `json:"name"`
	Key      string            `json:"key"`
	Event    json.RawMessage   `json:"event"`
	Sealed   map[string]string `json:"sealed"`
	Material string            `json:"material"`
}

// vectors are for whoever writes the other side in another language. The first is of the extension's own page (case 5).
func vectors() []struct {
	name, key string
	event     cloudevent.Event
} {
	zulu := sample()
	zulu.Time = "2026-06-01T11:59:58Z"
	return []struct {
		name, key string
		event     cloudevent.Event
	}{
		{"binary data, no extension", "testkey", cloudevent.Event{
			ID: "1", Source: "example/uri", Type: "example.type.binary", DataContentType: "application/octet-stream", Data: []byte("\U0001f921"),
		}},
		{"an answer, ES256", "testkey", sample()},
		{"an answer, Ed25519", "muenchen-ed", sample()},
		{"the same instant in UTC, to the second", "muenchen-ed", zulu},
		{"nothing but what every event has", "muenchen-ed", cloudevent.Event{ID: "1", Source: "/s", Type: "t"}},
	}
}

func TestSealsAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	keys := map[string]crypto.Signer{"testkey": ecKey(t), "muenchen-ed": edKey()}
	var got []vector
	for _, v := range vectors() {
		if v.event.Extensions == nil {
			v.event.Extensions = map[string]string{}
		}
		plain := v.event.Structured().Value
		if err := (seal.Signer{KeyID: v.key, Private: keys[v.key]}).Seal(&v.event); err != nil {
			t.Fatal(err)
		}
		if _, err := ring(t).Verify(v.event, muenchen, at); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		listed := strings.FieldsFunc(v.event.Extensions[seal.ExtList], func(r rune) bool { return r == ',' })
		material, err := seal.Material(v.event, listed)
		if err != nil {
			t.Fatal(err)
		}
		added := maps.Clone(v.event.Extensions)
		maps.DeleteFunc(added, func(name, _ string) bool { return name != seal.ExtMaterial && name != seal.ExtList })
		got = append(got, vector{v.name, v.key, plain, added, base64.StdEncoding.EncodeToString(material[:])})
	}
	raw, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile("testdata/vectors.json", raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(raw)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What the extension's page says of its case 5, so that the file cannot agree with itself alone.
	if got[0].Material != "qCSeiZkS+hH9WiClfq6plfqYNVy2kvxWRfoBrLEzoDk=" {
		t.Errorf("material of the published vector is %s", got[0].Material)
	}
	if got[2].Material != got[3].Material {
		t.Error("one instant in two time zones has two materials")
	}
}

func TestASealCountsInBothModesAndByEitherAlgorithm(t *testing.T) {
	t.Parallel()
	for id, private := range map[string]crypto.Signer{"testkey": ecKey(t), "muenchen-ed": edKey()} {
		e := sealed(t, id, private)
		for mode, r := range map[string]cloudevent.Record{"binary": e.Binary(), "structured": e.Structured()} {
			got, err := cloudevent.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			if key, err := ring(t).Verify(got, muenchen, at); err != nil || key.ID != id {
				t.Errorf("%s in %s mode: key %s, %v", id, mode, key.ID, err)
			}
		}
	}
}

// rewrite changes the envelope of an event.
func rewrite(tb testing.TB, e *cloudevent.Event, change func(envelope map[string]any)) {
	tb.Helper()
	raw, err := base64.StdEncoding.DecodeString(e.Extensions[seal.ExtMaterial])
	if err != nil {
		tb.Fatal(err)
	}
	var envelope map[string]any
	if err := json.Unmarshal(raw, &envelope); err != nil {
		tb.Fatal(err)
	}
	change(envelope)
	if raw, err = json.Marshal(envelope); err != nil {
		tb.Fatal(err)
	}
	e.Extensions[seal.ExtMaterial] = base64.StdEncoding.EncodeToString(raw)
}

func pae(payload []byte) []byte {
	return append([]byte("DSSEv1 "+strconv.Itoa(len(seal.PayloadType))+" "+seal.PayloadType+" "+strconv.Itoa(len(payload))+" "), payload...)
}

// signedAs puts another signature under the same key id.
func signedAs(tb testing.TB, e *cloudevent.Event, sign func(message []byte) []byte) {
	tb.Helper()
	rewrite(tb, e, func(envelope map[string]any) {
		payload, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
		if err != nil {
			tb.Fatal(err)
		}
		envelope["signatures"].([]any)[0].(map[string]any)["sig"] = base64.StdEncoding.EncodeToString(sign(pae(payload)))
	})
}

func TestEveryOtherSealIsRefusedWithItsFault(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(*cloudevent.Event) {
		return func(e *cloudevent.Event) { e.Extensions[name] = value }
	}
	envelope := func(change func(map[string]any)) func(*cloudevent.Event) {
		return func(e *cloudevent.Event) { rewrite(t, e, change) }
	}
	by := func(id string) func(*cloudevent.Event) {
		return func(e *cloudevent.Event) { *e = sealed(t, id, edKey()) }
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(e *cloudevent.Event)
		want   cloudevent.FaultError
	}{
		"no seal":                  {func(e *cloudevent.Event) { delete(e.Extensions, seal.ExtMaterial) }, seal.ErrMissing},
		"no Base64":                {set(seal.ExtMaterial, "{}"), seal.ErrMalformed},
		"Base64 with a line break": {func(e *cloudevent.Event) { e.Extensions[seal.ExtMaterial] += "\n" }, seal.ErrMalformed},
		"no JSON":                  {set(seal.ExtMaterial, base64.StdEncoding.EncodeToString([]byte("x"))), seal.ErrMalformed},
		"too large":                {set(seal.ExtMaterial, strings.Repeat("A", 9000)), seal.ErrMalformed},
		"a name twice":             {set(seal.ExtMaterial, base64.StdEncoding.EncodeToString([]byte(`{"payload":"","payload":""}`))), seal.ErrMalformed},
		"names in another case":    {envelope(func(m map[string]any) { m["Payload"] = m["payload"]; delete(m, "payload") }), seal.ErrMalformed},
		"no signatures":            {envelope(func(m map[string]any) { m["signatures"] = []any{} }), seal.ErrMalformed},
		"very many signatures":     {envelope(func(m map[string]any) { s := m["signatures"].([]any)[0]; m["signatures"] = slices.Repeat([]any{s}, 9) }), seal.ErrMalformed},
		"a short payload":          {envelope(func(m map[string]any) { m["payload"] = "AAAA" }), seal.ErrMalformed},
		"an earlier kind":          {envelope(func(m map[string]any) { m["payloadType"] = "https://cloudevents.io/verifiability/dsse/v0.0" }), seal.ErrUnknownVersion},
		"another kind":             {envelope(func(m map[string]any) { m["payloadType"] = "application/json" }), seal.ErrUnknownVersion},
		"an id that is no text":    {envelope(func(m map[string]any) { m["signatures"].([]any)[0].(map[string]any)["keyid"] = 7 }), seal.ErrMalformed},
		"a key without id":         {envelope(func(m map[string]any) { delete(m["signatures"].([]any)[0].(map[string]any), "keyid") }), seal.ErrKeyUnknown},
		"an unknown key":           {by("stranger"), seal.ErrKeyUnknown},
		"the key of another":       {by("nuernberg-ed"), seal.ErrKeyOfAnother},
		"a key of the future":      {by("next"), seal.ErrKeyNotYet},
		"an expired key":           {by("last"), seal.ErrKeyExpired},
		"a revoked key":            {by("lost"), seal.ErrKeyRevoked},
		"another key's signature":  {by("testkey"), seal.ErrWrongSignature},
		"a signature of zeros":     {func(e *cloudevent.Event) { signedAs(t, e, func([]byte) []byte { return make([]byte, 64) }) }, seal.ErrWrongSignature},
		"no signature bytes":       {func(e *cloudevent.Event) { signedAs(t, e, func([]byte) []byte { return nil }) }, seal.ErrWrongSignature},
		"RSA under the id":         {func(e *cloudevent.Event) { signedAs(t, e, rsaOf(t, weak)) }, seal.ErrWrongSignature},
		"HMAC by the public key":   {func(e *cloudevent.Event) { signedAs(t, e, hmacOf(t, ecKey(t).Public())) }, seal.ErrWrongSignature},
		"ES256 as DER":             {func(e *cloudevent.Event) { signedAs(t, e, derOf(t)) }, seal.ErrWrongSignature},
		"a prefix of the signature": {func(e *cloudevent.Event) {
			signedAs(t, e, func(m []byte) []byte { return ed25519.Sign(edKey(), m)[:63] })
		}, seal.ErrWrongSignature},
		"an id altered":              {func(e *cloudevent.Event) { e.ID += "1" }, seal.ErrAltered},
		"a source altered":           {func(e *cloudevent.Event) { e.Source = "urn:efa:authority:gewerbeamt-nuernberg" }, seal.ErrAltered},
		"a type altered":             {func(e *cloudevent.Event) { e.Type = "de.efa.answer.returned.v1" }, seal.ErrAltered},
		"a subject altered":          {func(e *cloudevent.Event) { e.Subject = "" }, seal.ErrAltered},
		"a time altered":             {func(e *cloudevent.Event) { e.Time = "2026-06-01T11:59:59Z" }, seal.ErrAltered},
		"a media type altered":       {func(e *cloudevent.Event) { e.DataContentType = "text/plain" }, seal.ErrAltered},
		"a schema added":             {func(e *cloudevent.Event) { e.DataSchema = "urn:x" }, seal.ErrAltered},
		"the data altered":           {func(e *cloudevent.Event) { e.Data = []byte(`{"outcome":"refused"}`) }, seal.ErrAltered},
		"an extension altered":       {set("operator", "hessen"), seal.ErrAltered},
		"an extension taken away":    {func(e *cloudevent.Event) { delete(e.Extensions, "operator") }, seal.ErrAltered},
		"an extension added":         {set("tenant", "muenchen"), seal.ErrUnlisted},
		"the list shortened":         {set(seal.ExtList, "operator"), seal.ErrUnlisted},
		"the list taken away":        {func(e *cloudevent.Event) { delete(e.Extensions, seal.ExtList) }, seal.ErrUnlisted},
		"the list in another order":  {set(seal.ExtList, "partitionkey,operator"), seal.ErrAltered},
		"the list lengthened":        {set(seal.ExtList, "operator,partitionkey,tenant"), seal.ErrAltered},
		"the list with a space":      {set(seal.ExtList, "operator, partitionkey"), seal.ErrMalformed},
		"the list with a repeat":     {set(seal.ExtList, "operator,partitionkey,operator"), seal.ErrMalformed},
		"the list with the seal":     {set(seal.ExtList, "operator,partitionkey,dssematerial"), seal.ErrMalformed},
		"the list with itself":       {set(seal.ExtList, "operator,partitionkey,signedextattrs"), seal.ErrMalformed},
		"the list with an attribute": {set(seal.ExtList, "operator,partitionkey,id"), seal.ErrMalformed},
		"the list with nothing":      {set(seal.ExtList, "operator,partitionkey,"), seal.ErrMalformed},
	} {
		e := sealed(t, "muenchen-ed", edKey())
		if strings.HasPrefix(name, "HMAC") || strings.HasPrefix(name, "ES256") || strings.HasPrefix(name, "RSA") {
			e = sealed(t, "testkey", ecKey(t))
		}
		c.change(&e)
		if key, err := ring(t).Verify(e, muenchen, at); !errors.Is(err, c.want) || key.ID != "" && err == nil {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func rsaOf(tb testing.TB, k *rsa.PrivateKey) func([]byte) []byte {
	tb.Helper()
	return func(message []byte) []byte {
		digest := sha256.Sum256(message)
		sig, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:])
		if err != nil {
			tb.Fatal(err)
		}
		return sig
	}
}

func hmacOf(tb testing.TB, public crypto.PublicKey) func([]byte) []byte {
	tb.Helper()
	secret, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return func(message []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(message)
		return h.Sum(nil)
	}
}

func derOf(tb testing.TB) func([]byte) []byte {
	tb.Helper()
	return func(message []byte) []byte {
		digest := sha256.Sum256(message)
		sig, err := ecdsa.SignASN1(rand.Reader, ecKey(tb), digest[:])
		if err != nil {
			tb.Fatal(err)
		}
		return sig
	}
}

func TestOneGoodSignatureOfSeveralSuffices(t *testing.T) {
	t.Parallel()
	e, old := sealed(t, "muenchen-ed", edKey()), sealed(t, "last", edKey())
	var first any
	rewrite(t, &old, func(m map[string]any) { first = m["signatures"].([]any)[0] })
	rewrite(t, &e, func(m map[string]any) { m["signatures"] = append([]any{first}, m["signatures"].([]any)...) })
	if key, err := ring(t).Verify(e, muenchen, at); err != nil || key.ID != "muenchen-ed" {
		t.Errorf("key %s, %v", key.ID, err)
	}
}

func TestAKeyThatCannotSignEventsIsRefused(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, private := range map[string]crypto.Signer{"none": nil, "P-384": p384} {
		e := sample()
		if err := (seal.Signer{KeyID: "k", Private: private}).Seal(&e); contracts.KindOf(err) != contracts.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	e := sealed(f, "testkey", ecKey(f))
	f.Add(e.Extensions[seal.ExtMaterial], e.Extensions[seal.ExtList], e.Data)
	f.Add("e30=", "a,b", []byte(nil))
	f.Fuzz(func(t *testing.T, material, list string, data []byte) {
		changed := sealed(t, "testkey", ecKey(t))
		whole := changed.Extensions[seal.ExtMaterial] == material && changed.Extensions[seal.ExtList] == list && string(changed.Data) == string(data)
		changed.Extensions[seal.ExtMaterial], changed.Extensions[seal.ExtList], changed.Data = material, list, data
		_, err := ring(t).Verify(changed, muenchen, at)
		if _, fault := errors.AsType[cloudevent.FaultError](err); err != nil && !fault {
			t.Fatalf("%v is no fault", err)
		}
		if err == nil && !whole && (list != e.Extensions[seal.ExtList] || string(data) != string(e.Data)) {
			t.Error("an altered event is taken for the sealed one")
		}
	})
}
