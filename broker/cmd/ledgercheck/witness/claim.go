package witness

import (
	"errors"
	"fmt"
)

// What a producer knows of a submission.
const (
	// Invoke: it was sent.
	Invoke = "invoke"
	// OK: it was accepted.
	OK = "ok"
	// Fail: it was refused and had no effect.
	Fail = "fail"
	// Info: no answer, or one that says nothing; it may have had its effect.
	Info = "info"
	// Forge: a hostile record that was written into the event log; it may have no effect.
	Forge = "forge"
)

// Claim is one line of a producer.
type Claim struct {
	At    int64  `json:"at_ns"`
	Actor string `json:"actor"`
	Op    string `json:"op"`
	// ID is the submission's id, for Forge that of the record.
	ID string `json:"id"`
	// SHA256 is that of the body that was sent, hex; on Invoke and Forge.
	SHA256 string `json:"sha256,omitempty"`
	// Canaries are texts that stand nowhere else in the world, with the fields that hold them; on Invoke.
	Canaries map[string][]string `json:"canaries,omitempty"`
	// Case and Receipt are the answer; on OK.
	Case    string   `json:"case,omitempty"`
	Receipt *Receipt `json:"receipt,omitempty"`
	// Code is the kind of error; on Fail and Info.
	Code string `json:"code,omitempty"`

	Place Place `json:"-"`
}

// Receipt is the acknowledgement that a producer was given.
type Receipt struct {
	Event     string `json:"event_id"`
	Seq       int64  `json:"seq"`
	Hash      string `json:"hash"`
	Key       string `json:"key_id"`
	Signature string `json:"signature"`
}

// Claims reads the file of a producer.
func Claims(path string) ([]Claim, error) {
	var out []Claim
	var c clock
	invoked := map[string]string{}
	err := lines(path, func(at Place, l *Claim) error {
		l.Place = at
		if l.Actor == "" || l.ID == "" {
			return errors.New("actor and id are required")
		}
		if err := errors.Join(l.check(invoked), c.at(l.At)); err != nil {
			return err
		}
		out = append(out, *l)
		return nil
	})
	return out, err
}

func (l *Claim) check(invoked map[string]string) error {
	switch l.Op {
	case Invoke:
		if len(l.SHA256) != 64 {
			return errors.New("sha256 is not 64 digits")
		}
		if before, again := invoked[l.ID]; again && before != l.SHA256 {
			return fmt.Errorf("submission %s was invoked with two bodies", l.ID)
		}
		invoked[l.ID] = l.SHA256
		return nil
	case Forge:
		if len(l.SHA256) != 64 {
			return errors.New("sha256 is not 64 digits")
		}
		return nil
	case OK:
		if l.Case == "" || l.Receipt == nil {
			return errors.New("an accepted submission has case and receipt")
		}
	case Fail, Info:
	default:
		return fmt.Errorf("op is none of invoke, ok, fail, info, forge: %q", l.Op)
	}
	if _, known := invoked[l.ID]; !known {
		return fmt.Errorf("an answer to %s, which was never invoked", l.ID)
	}
	return nil
}
