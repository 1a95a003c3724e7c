package seal

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts/cloudevent"
)

// Names of the two extensions, and the payload type of the envelope.
const (
	ExtMaterial = "dssematerial"
	ExtList     = "signedextattrs"
	PayloadType = "https://cloudevents.io/verifiability/dsse/v0.1"
)

// Material is what a seal signs of an event: the digest of the digests of its attributes, its data and the listed
// extensions. An absent attribute counts as an empty one. It fails as cloudevent.ErrBadAttribute when the time is no RFC 3339.
func Material(e cloudevent.Event, listed []string) ([sha256.Size]byte, error) {
	at := e.Time
	if at != "" {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return [sha256.Size]byte{}, cloudevent.ErrBadAttribute
		}
		at = t.UTC().Format(time.RFC3339)
	}
	h := sha256.New()
	add := func(part []byte) {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	for _, part := range []string{e.ID, e.Source, cloudevent.SpecVersion, e.Type, e.DataContentType, e.DataSchema, e.Subject, at} {
		add([]byte(part))
	}
	add(e.Data)
	for _, name := range listed {
		add([]byte(name))
		add([]byte(e.Extensions[name]))
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// extensions are the extensions that a seal has to list, sorted.
func extensions(e cloudevent.Event) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(e.Extensions)), func(name string) bool {
		return name == ExtMaterial || name == ExtList
	})
}

// listOf reads signedextattrs; false when it breaks a rule of the extension.
func listOf(e cloudevent.Event) ([]string, bool) {
	text, given := e.Extensions[ExtList]
	if !given {
		return nil, true
	}
	names := strings.Split(text, ",")
	for i, name := range names {
		switch name {
		case ExtMaterial, ExtList, "id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time":
			return nil, false
		}
		if slices.Contains(names[:i], name) || strings.TrimSpace(name) != name || name == "" {
			return nil, false
		}
	}
	return names, true
}

// preAuthEncoding is what is signed of an envelope (DSSE 1.0.2, PAE).
func preAuthEncoding(payloadType string, payload []byte) []byte {
	out := []byte("DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " ")
	return append(out, payload...)
}
