package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
)

// Record is one line of the event log. The attributes of a CloudEvent in binary mode stand in the headers ce_….
type Record struct {
	// Topic is required for the topics of authorities, and means nothing for the broker's own.
	Topic     string            `json:"topic,omitempty"`
	Partition int               `json:"partition"`
	Offset    int64             `json:"offset"`
	Key       string            `json:"key"`
	Headers   map[string]string `json:"headers"`
	Value     []byte            `json:"value"`

	Place Place `json:"-"`
}

// Records reads the file of the event log.
func Records(path string) ([]Record, error) {
	var out []Record
	next := map[string]int64{}
	err := lines(path, func(at Place, r *Record) error {
		r.Place = at
		in := r.Topic + "/" + strconv.Itoa(r.Partition)
		if r.Offset < next[in] {
			return errors.New("offsets of a partition do not rise")
		}
		next[in] = r.Offset + 1
		out = append(out, *r)
		return nil
	})
	return out, err
}

// Outboxes reads a file of the topics of authorities.
func Outboxes(path string) ([]Record, error) {
	out, err := Records(path)
	for _, r := range out {
		if r.Topic == "" {
			return nil, &InputError{Path: path, Line: r.Place.Line, Err: errors.New("topic is required")}
		}
	}
	return out, err
}

// Answer is what an authority says in a record of its topic, in either mode of a CloudEvent.
type Answer struct {
	ID, Source string
	// Task or Delivery is what is answered.
	Task, Delivery string
}

// Answer reads a record of an authority's topic; members that it does not hold are empty.
func (r Record) Answer() Answer {
	type data struct {
		Task     string `json:"task_id"`
		Delivery string `json:"delivery_id"`
	}
	var body struct {
		data
		ID     string `json:"id"`
		Source string `json:"source"`
		Data   *data  `json:"data"`
	}
	_ = json.Unmarshal(r.Value, &body) // what does not read is no answer, and has to be refused
	if body.Data != nil {
		return Answer{body.ID, body.Source, body.Data.Task, body.Data.Delivery}
	}
	return Answer{r.ID(), r.Source(), body.Task, body.Delivery}
}

// ID and Source name the event that the record says it is.
func (r Record) ID() string { return r.Headers["ce_id"] }

// Source is where the event says that it comes from.
func (r Record) Source() string { return r.Headers["ce_source"] }

// Case is the case of the event.
func (r Record) Case() string { return r.Headers["ce_subject"] }

// Seq is the place of the event in its case; 0 when there is none.
func (r Record) Seq() int64 {
	n, _ := strconv.ParseInt(r.Headers["ce_caseseq"], 10, 64)
	return n
}

// SHA256 is the digest of the value, hex.
func (r Record) SHA256() string {
	sum := sha256.Sum256(r.Value)
	return hex.EncodeToString(sum[:])
}
