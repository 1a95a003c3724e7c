package kafkalog

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/format"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/contracts"
)

var (
	_ binding.StructuredWriter = (*recordWriter)(nil)
	_ binding.BinaryWriter     = (*recordWriter)(nil)
)

// WriteRecord writes the message into the record: a structured one byte for byte, a binary one as headers and data, an
// event in the mode that the context asks for (binary by default). Topic, key and headers that do not belong to a
// CloudEvent stay; attributes of an earlier event in the record go. A message of unknown encoding is
// binding.ErrUnknownEncoding and writes nothing, so that what is no event is never passed on as one. The record is
// changed only on success.
func WriteRecord(ctx context.Context, m binding.MessageReader, r *eventlog.Record, transformers ...binding.Transformer) error {
	w := &recordWriter{record: *r}
	if _, err := binding.Write(ctx, m, w, w, transformers...); err != nil {
		return err
	}
	*r = w.record
	return nil
}

// MapKey sets the key of a record that has none to the event's partitionkey extension. A record without that extension
// stays as it is.
func MapKey(r *eventlog.Record) error {
	if r.Key != "" {
		return nil
	}
	m := NewMessage(*r)
	switch m.encoding { //nolint:exhaustive // a record has no other encoding
	case binding.EncodingBinary:
		r.Key = m.headers[attrPrefix+"partitionkey"]
	case binding.EncodingStructured:
		if m.format.MediaType() != ce.ApplicationCloudEventsJSON {
			return contracts.Errorf(contracts.Unsupported, "map key", "format is not %s", ce.ApplicationCloudEventsJSON)
		}
		var found struct {
			Key string `json:"partitionkey"`
		}
		if json.Unmarshal(r.Value, &found) != nil { // its text would quote the event
			return contracts.Errorf(contracts.Invalid, "map key", "event is no JSON object, or its partitionkey no string")
		}
		r.Key = found.Key
	}
	return nil
}

// recordWriter writes one event into its record.
type recordWriter struct {
	record eventlog.Record
}

// SetStructuredEvent implements binding.StructuredWriter.
func (w *recordWriter) SetStructuredEvent(_ context.Context, f format.Format, event io.Reader) error {
	value, err := io.ReadAll(event)
	if err != nil {
		return err
	}
	w.clear()
	w.set(contentTypeHeader, f.MediaType())
	w.record.Value = value
	return nil
}

// Start implements binding.BinaryWriter.
func (w *recordWriter) Start(context.Context) error {
	w.clear()
	return nil
}

// SetAttribute implements binding.MessageMetadataWriter.
func (w *recordWriter) SetAttribute(attribute spec.Attribute, value any) error {
	key := attrPrefix + attribute.Name()
	if attribute.Kind() == spec.DataContentType {
		key = contentTypeHeader
	}
	return w.format(key, value)
}

// SetExtension implements binding.MessageMetadataWriter.
func (w *recordWriter) SetExtension(name string, value any) error {
	return w.format(attrPrefix+strings.ToLower(name), value)
}

// SetData implements binding.BinaryWriter.
func (w *recordWriter) SetData(data io.Reader) error {
	value, err := io.ReadAll(data)
	if err == nil && len(value) > 0 {
		w.record.Value = value
	}
	return err
}

// End implements binding.BinaryWriter.
func (w *recordWriter) End(context.Context) error { return nil }

// clear removes an earlier event from the record, on a copy of its headers.
func (w *recordWriter) clear() {
	w.record.Value = nil
	w.record.Headers = slices.DeleteFunc(slices.Clone(w.record.Headers), func(h eventlog.Header) bool {
		return isAttribute(strings.ToLower(h.Key))
	})
}

// format sets a header to the canonical text of the value, or removes it when the value is nil.
func (w *recordWriter) format(key string, value any) error {
	w.record.Headers = slices.DeleteFunc(w.record.Headers, func(h eventlog.Header) bool { return h.Key == key })
	if value == nil {
		return nil
	}
	text, err := types.Format(value)
	if err != nil {
		return err
	}
	w.set(key, text)
	return nil
}

func (w *recordWriter) set(key, value string) {
	w.record.Headers = append(w.record.Headers, eventlog.Header{Key: key, Value: []byte(value)})
}
