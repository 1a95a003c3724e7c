package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
)

// Record is one line of the event log. The attributes of a CloudEvent in binary mode stand in the headers ce_….
type Record struct {
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
	next := map[int]int64{}
	err := lines(path, func(at Place, r *Record) error {
		r.Place = at
		if r.Offset < next[r.Partition] {
			return errors.New("offsets of a partition do not rise")
		}
		next[r.Partition] = r.Offset + 1
		out = append(out, *r)
		return nil
	})
	return out, err
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
