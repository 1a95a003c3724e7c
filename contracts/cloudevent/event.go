package cloudevent

// SpecVersion is the one version of CloudEvents that is spoken.
const SpecVersion = "1.0"

// MediaJSON is the media type of a whole event as JSON (structured mode).
const MediaJSON = "application/cloudevents+json"

// Event is one CloudEvent. Attributes that are absent are empty.
type Event struct {
	// ID and Source together identify the event for ever.
	ID     string
	Source string
	Type   string
	// Subject is what the event is about.
	Subject string
	// Time is the sender's, RFC 3339 as it was sent.
	Time            string
	DataContentType string
	DataSchema      string
	// Extensions maps lower-case names to values; in both modes they are text.
	Extensions map[string]string
	// Data are the bytes of the data as they were sent: the record's value in binary mode, the text of the member data in
	// structured mode.
	Data []byte
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Record is what carries an event.
type Record struct {
	Key     string
	Headers []Header
	Value   []byte
}

// FaultError is the code of what is wrong with an event. It is an error, and its text is all that may be told: it repeats nothing
// of what was sent.
type FaultError string

// Error names the code.
func (f FaultError) Error() string { return "event is refused: " + string(f) }

// The faults of reading; the package comment says what each means.
const (
	ErrTooLarge          FaultError = "too_large"
	ErrNotAnEvent        FaultError = "not_an_event"
	ErrBothModes         FaultError = "both_modes"
	ErrRepeatedHeader    FaultError = "repeated_header"
	ErrNotUTF8           FaultError = "not_utf8"
	ErrUnknownVersion    FaultError = "unknown_version"
	ErrUnsupportedFormat FaultError = "unsupported_format"
	ErrNotStrictJSON     FaultError = "not_strict_json"
	ErrBadAttribute      FaultError = "attribute"
)

// attribute finds the member of a context attribute; nil for an extension.
func attribute(e *Event, name string) *string {
	switch name {
	case "id":
		return &e.ID
	case "source":
		return &e.Source
	case "type":
		return &e.Type
	case "subject":
		return &e.Subject
	case "time":
		return &e.Time
	case "datacontenttype":
		return &e.DataContentType
	case "dataschema":
		return &e.DataSchema
	}
	return nil
}

// names are the context attributes beside specversion, in the order in which they are written.
func names() []string {
	return []string{"id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}
}
