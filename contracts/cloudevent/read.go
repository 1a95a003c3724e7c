package cloudevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/efa-broker/efa-broker/contracts/strictjson"
)

// MaxBytes is the size above which a record is refused: intermediaries must forward 64 KiB (CloudEvents 1.0).
const MaxBytes = 64 << 10

const (
	prefix      = "ce_"
	contentType = "content-type"
	// dataMember and base64Member are the members of a structured event that are no attributes.
	dataMember   = "data"
	base64Member = "data_base64"
	version      = "specversion"
)

// attributeName is the form of every attribute (CloudEvents 1.0, "Naming Conventions").
var attributeName = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// Size is the number of bytes of key, headers and value.
func (r Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// Read reads the event of a record. Every error is a FaultError. Headers that do not belong to the binding are not looked at.
func Read(r Record) (Event, error) {
	if r.Size() > MaxBytes {
		return Event{}, ErrTooLarge
	}
	attributes, err := headersOf(r.Headers)
	if err != nil {
		return Event{}, err
	}
	media, given := attributes[contentType]
	switch structured := given && strings.HasPrefix(lower(strings.TrimSpace(media)), "application/cloudevents"); {
	case structured && len(attributes) > 1:
		return Event{}, ErrBothModes
	case structured:
		return readStructured(media, r.Value)
	}
	return readBinary(attributes, r.Value)
}

// headersOf keeps the headers of the binding, keys in lower case.
func headersOf(headers []Header) (map[string]string, error) {
	out := map[string]string{}
	for _, h := range headers {
		key := lower(h.Key)
		if key != contentType && !strings.HasPrefix(key, prefix) {
			continue
		}
		if _, twice := out[key]; twice {
			return nil, ErrRepeatedHeader
		}
		if !plain(string(h.Value)) {
			return nil, ErrNotUTF8
		}
		out[key] = string(h.Value)
	}
	return out, nil
}

func readBinary(headers map[string]string, value []byte) (Event, error) {
	switch v, given := headers[prefix+version]; {
	case !given:
		return Event{}, ErrNotAnEvent
	case v != SpecVersion:
		return Event{}, ErrUnknownVersion
	}
	e := Event{DataContentType: headers[contentType], Extensions: map[string]string{}}
	for key, text := range headers {
		name, own := strings.CutPrefix(key, prefix)
		if !own || name == version {
			continue
		}
		// The media type of the data stands in content-type alone; a second one would be another reader's.
		if name == "datacontenttype" || !set(&e, name, text) {
			return Event{}, ErrBadAttribute
		}
	}
	if len(value) > 0 {
		e.Data = value
	}
	return e, check(e)
}

func readStructured(media string, value []byte) (Event, error) {
	format, params, err := mime.ParseMediaType(media)
	if err != nil || format != MediaJSON || len(params) > 1 || len(params) == 1 && !strings.EqualFold(params["charset"], "utf-8") {
		return Event{}, ErrUnsupportedFormat
	}
	if _, problems := strictjson.Parse(value, func(string) bool { return false }); problems != nil {
		return Event{}, ErrNotStrictJSON
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil || members == nil {
		return Event{}, ErrNotStrictJSON
	}
	switch v, given := text(members[version]); {
	case !given:
		return Event{}, ErrBadAttribute
	case v != SpecVersion:
		return Event{}, ErrUnknownVersion
	}
	e := Event{Extensions: map[string]string{}}
	for name, raw := range members {
		if name == dataMember || name == base64Member || name == version {
			continue
		}
		value, isText := text(raw)
		if !isText || !plain(value) || !set(&e, name, value) {
			return Event{}, ErrBadAttribute
		}
	}
	if e.Data, err = dataOf(members); err != nil {
		return Event{}, err
	}
	return e, check(e)
}

// dataOf is the text of data as it stands there, or what data_base64 stands for.
func dataOf(members map[string]json.RawMessage) ([]byte, error) {
	raw, plainData := members[dataMember]
	encoded, binary := members[base64Member]
	switch {
	case plainData && binary:
		return nil, ErrBadAttribute
	case plainData:
		return bytes.TrimSpace(raw), nil
	case !binary:
		return nil, nil
	}
	s, isText := text(encoded)
	data, err := base64.StdEncoding.Strict().DecodeString(s)
	if !isText || err != nil {
		return nil, ErrBadAttribute
	}
	return data, nil
}

// set gives an attribute its value; it reports false for a name or a value that none may have.
func set(e *Event, name, value string) bool {
	if !attributeName.MatchString(name) || name == dataMember || value == "" {
		return false
	}
	if member := attribute(e, name); member != nil {
		*member = value
		return true
	}
	e.Extensions[name] = value
	return true
}

// check demands what every event has, and the form of what it may have.
func check(e Event) error {
	if e.ID == "" || e.Source == "" || e.Type == "" {
		return ErrBadAttribute
	}
	if _, err := url.Parse(e.Source); err != nil {
		return ErrBadAttribute
	}
	if e.Time != "" {
		if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
			return ErrBadAttribute
		}
	}
	if schema, err := url.Parse(e.DataSchema); err != nil || e.DataSchema != "" && !schema.IsAbs() {
		return ErrBadAttribute
	}
	return nil
}

// text reads a JSON string; false for everything else.
func text(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// plain tells whether a text is what an attribute may be: UTF-8 without control characters.
func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

// lower maps the letters of ASCII only: a letter of another script never becomes one of ours.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
