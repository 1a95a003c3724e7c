package cloudevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/efa-broker/efa-broker/contracts/strictjson"
)

// Binary writes the event in binary mode: attributes as headers, the data as value. An event without data has a nil value,
// which a log may take for a tombstone.
func (e Event) Binary() Record {
	r := Record{Value: e.Data, Headers: []Header{{Key: prefix + version, Value: []byte(SpecVersion)}}}
	for _, name := range names() {
		value, key := *attribute(&e, name), prefix+name
		if name == "datacontenttype" {
			key = contentType
		}
		if value != "" {
			r.Headers = append(r.Headers, Header{Key: key, Value: []byte(value)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Extensions)) {
		r.Headers = append(r.Headers, Header{Key: prefix + name, Value: []byte(e.Extensions[name])})
	}
	return r
}

// Structured writes the event as one JSON document. Strict JSON data stand in it byte for byte, all others as Base64.
func (e Event) Structured() Record {
	var b bytes.Buffer
	member := func(name string, value []byte) {
		b.WriteString(`,"` + name + `":`)
		b.Write(value)
	}
	b.WriteString(`{"` + version + `":"` + SpecVersion + `"`)
	for _, name := range names() {
		if value := *attribute(&e, name); value != "" {
			member(name, quoted(value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Extensions)) {
		member(name, quoted(e.Extensions[name]))
	}
	switch {
	case e.Data == nil:
	case embeddable(e.Data):
		member(dataMember, e.Data)
	default:
		member(base64Member, quoted(base64.StdEncoding.EncodeToString(e.Data)))
	}
	b.WriteByte('}')
	return Record{Value: b.Bytes(), Headers: []Header{{Key: contentType, Value: []byte(MediaJSON)}}}
}

// embeddable tells whether data can stand in a document and be read back byte for byte.
func embeddable(data []byte) bool {
	if len(data) == 0 || len(bytes.TrimSpace(data)) != len(data) {
		return false
	}
	_, problems := strictjson.Parse(slices.Concat([]byte("["), data, []byte("]")), func(string) bool { return false })
	return problems == nil && json.Valid(data)
}

// quoted is a JSON string.
func quoted(s string) []byte {
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return out
}
