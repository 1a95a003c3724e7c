package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts/deadletter"
)

// Record is a record that could not be decoded, or that was refused.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	// Headers with keys in lower case, the last of several.
	Headers map[string]string
	Value   []byte
}

const mediaTypes = `^(application|text)/(json|xml|avro|protobuf|octet-stream|plain|cloudevents\+json|cloudevents-batch\+json)$`

// shape is a header of which the value is kept, when it has this form. Everything else of a foreign record may be content
// of a person.
type shape struct {
	header string
	form   *regexp.Regexp
	set    func(l *deadletter.Letter, value string)
}

func shapes() []shape {
	return []shape{
		{"ce_specversion", regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}$`), func(l *deadletter.Letter, v string) { l.SpecVersion = v }},
		{"content-type", regexp.MustCompile(mediaTypes), func(l *deadletter.Letter, v string) { l.MediaType = v }},
	}
}

// letterSpace is the name space of letter ids (RFC 9562, version 5): the same thing put aside again is the same letter.
var letterSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:efa:dead-letter"))

func idOf(parts ...string) string {
	return uuid.NewSHA1(letterSpace, []byte(strings.Join(parts, "\x00"))).String()
}

func digest(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

// about is what may be kept of a record.
func (r Record) about() deadletter.Letter {
	l := deadletter.Letter{Topic: r.Topic, Partition: &r.Partition, Offset: &r.Offset, Size: int64(len(r.Value)), Digest: digest(r.Value)}
	for _, s := range shapes() {
		if v := r.Headers[s.header]; s.form.MatchString(v) {
			s.set(&l, v)
		}
	}
	return l
}
