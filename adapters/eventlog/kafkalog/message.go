package kafkalog

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/format"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	ce "github.com/cloudevents/sdk-go/v2/event"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// Names of the Kafka protocol binding for CloudEvents 1.0.
const (
	attrPrefix        = "ce_"
	contentTypeHeader = "content-type"
)

var (
	_ binding.Message               = (*Message)(nil)
	_ binding.MessageMetadataReader = (*Message)(nil)
)

// versions are the versions of CloudEvents with the attribute names of the binding. They are never changed.
var versions = spec.WithPrefix(attrPrefix)

// Message is a record seen as a CloudEvent. It is structured when its content-type is a known format of whole events,
// binary when it carries ce_specversion in a known version, and else unknown: plain records, tombstones, batches (which
// the binding does not have) and records whose attributes are not UTF-8.
type Message struct {
	// Record is the record as it was received.
	Record eventlog.Record

	headers  map[string]string // lower case, the last of several
	encoding binding.Encoding
	format   format.Format // of a structured message
	version  spec.Version  // of a binary message
}

// NewMessage looks at the record's headers; it does not copy the record.
func NewMessage(r eventlog.Record) *Message {
	m := &Message{Record: r, headers: make(map[string]string, len(r.Headers)), encoding: binding.EncodingUnknown}
	readable := true
	for _, h := range r.Headers {
		key := strings.ToLower(h.Key)
		if isAttribute(key) {
			readable = readable && utf8.Valid(h.Value)
			m.headers[key] = string(h.Value)
		}
	}
	if !readable {
		return m
	}
	if media := strings.ToLower(strings.TrimSpace(m.headers[contentTypeHeader])); format.IsFormat(media) {
		if f := format.Lookup(media); f != nil && f.MediaType() != ce.ApplicationCloudEventsBatchJSON {
			m.encoding, m.format = binding.EncodingStructured, f
		}
		return m
	}
	if m.version = versions.Version(m.headers[versions.PrefixedSpecVersionName()]); m.version != nil {
		m.encoding = binding.EncodingBinary
	}
	return m
}

// isAttribute tells whether a header in lower case belongs to the CloudEvent.
func isAttribute(key string) bool {
	return key == contentTypeHeader || strings.HasPrefix(key, attrPrefix)
}

// ReadEncoding implements binding.MessageReader.
func (m *Message) ReadEncoding() binding.Encoding { return m.encoding }

// ReadStructured implements binding.MessageReader. The bytes of the event are passed on as they are.
func (m *Message) ReadStructured(ctx context.Context, w binding.StructuredWriter) error {
	if m.encoding != binding.EncodingStructured {
		return binding.ErrNotStructured
	}
	return w.SetStructuredEvent(ctx, m.format, bytes.NewReader(m.Record.Value))
}

// ReadBinary implements binding.MessageReader. All values are strings, as Kafka's headers have no types.
func (m *Message) ReadBinary(_ context.Context, w binding.BinaryWriter) error {
	if m.encoding != binding.EncodingBinary {
		return binding.ErrNotBinary
	}
	// The version comes first: a writer builds the rest upon it.
	if err := w.SetAttribute(m.version.AttributeFromKind(spec.SpecVersion), m.version.String()); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(m.headers)) {
		if err := m.readHeader(key, w); err != nil {
			return err
		}
	}
	if len(m.Record.Value) == 0 {
		return nil
	}
	return w.SetData(bytes.NewReader(m.Record.Value))
}

func (m *Message) readHeader(key string, w binding.BinaryWriter) error {
	value := m.headers[key]
	switch attribute := m.version.Attribute(key); {
	case key == contentTypeHeader:
		return w.SetAttribute(m.version.AttributeFromKind(spec.DataContentType), value)
	case attribute == nil:
		return w.SetExtension(strings.TrimPrefix(key, attrPrefix), value)
	case attribute.Kind() == spec.SpecVersion, attribute.Kind() == spec.DataContentType:
		return nil // already set; the media type of the data stands in content-type alone
	default:
		return w.SetAttribute(attribute, value)
	}
}

// GetAttribute implements binding.MessageMetadataReader; a message that is not binary has none.
func (m *Message) GetAttribute(kind spec.Kind) (spec.Attribute, any) {
	if m.encoding != binding.EncodingBinary {
		return nil, nil
	}
	attribute := m.version.AttributeFromKind(kind)
	if attribute == nil {
		return nil, nil
	}
	key := attribute.PrefixedName()
	if kind == spec.DataContentType {
		key = contentTypeHeader
	}
	if value, ok := m.headers[key]; ok {
		return attribute, value
	}
	return attribute, nil
}

// GetExtension implements binding.MessageMetadataReader; a message that is not binary has none.
func (m *Message) GetExtension(name string) any {
	if m.encoding != binding.EncodingBinary {
		return nil
	}
	if value, ok := m.headers[attrPrefix+strings.ToLower(name)]; ok {
		return value
	}
	return nil
}

// Finish implements binding.Message. A record is acknowledged by the handler that received it, when it returns nil.
func (m *Message) Finish(error) error { return nil }
