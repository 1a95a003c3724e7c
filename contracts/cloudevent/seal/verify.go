package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent"
	"github.com/efa-broker/efa-broker/contracts/strictjson"
)

// The faults of a seal.
const (
	// ErrMissing is an event without dssematerial.
	ErrMissing cloudevent.FaultError = "seal_missing"
	// ErrMalformed is material that is no envelope, or a list that breaks a rule.
	ErrMalformed cloudevent.FaultError = "seal_malformed"
	// ErrUnknownVersion is an envelope of another payload type: an earlier, later or weaker kind of seal.
	ErrUnknownVersion cloudevent.FaultError = "seal_unknown_version"
	// ErrUnlisted is an extension that the seal does not cover.
	ErrUnlisted cloudevent.FaultError = "extension_not_sealed"
	// ErrKeyUnknown is a seal by a key that is not registered.
	ErrKeyUnknown cloudevent.FaultError = "key_unknown"
	// ErrKeyOfAnother is a seal by a key that is registered for another authority.
	ErrKeyOfAnother cloudevent.FaultError = "key_of_another"
	// ErrKeyNotYet, ErrKeyExpired and ErrKeyRevoked are keys of the sender that do not count at this instant.
	ErrKeyNotYet  cloudevent.FaultError = "key_not_yet_valid"
	ErrKeyExpired cloudevent.FaultError = "key_expired"
	ErrKeyRevoked cloudevent.FaultError = "key_revoked"
	// ErrWrongSignature is a signature that the named key has not made by its algorithm.
	ErrWrongSignature cloudevent.FaultError = "seal_wrong_signature"
	// ErrAltered is an event that is not the one that was sealed.
	ErrAltered cloudevent.FaultError = "altered"
)

// Bounds of an envelope; ours has one signature and about 300 bytes.
const (
	maxEnvelope   = 8 << 10
	maxSignatures = 8
)

// Verify returns the key of the sender with which the whole event was sealed, when it counts at that instant. Every error is
// a cloudevent.FaultError. One good signature of several suffices, so that keys can be exchanged without a gap.
func (r Ring) Verify(e cloudevent.Event, sender authority.ID, at time.Time) (Key, error) {
	env, err := open(e)
	if err != nil {
		return Key{}, err
	}
	key, err := r.signedBy(env, sender, at)
	if err != nil {
		return Key{}, err
	}
	listed, ok := listOf(e)
	if !ok {
		return Key{}, ErrMalformed
	}
	for _, name := range extensions(e) {
		if !slices.Contains(listed, name) {
			return Key{}, ErrUnlisted
		}
	}
	material, err := Material(e, listed)
	if err != nil {
		return Key{}, err
	}
	if !bytes.Equal(material[:], env.Payload) {
		return Key{}, ErrAltered
	}
	return key, nil
}

// open reads the envelope of the event.
func open(e cloudevent.Event) (envelope, error) {
	text, given := e.Extensions[ExtMaterial]
	if !given {
		return envelope{}, ErrMissing
	}
	if len(text) > maxEnvelope || strings.ContainsAny(text, "\r\n") { // line breaks are no fault to the decoder
		return envelope{}, ErrMalformed
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return envelope{}, ErrMalformed
	}
	if _, problems := strictjson.Parse(raw, func(string) bool { return false }); problems != nil {
		return envelope{}, ErrMalformed
	}
	// Maps, because names count as they are written; members of later versions are ignored, as DSSE demands.
	var members map[string]json.RawMessage
	var signatures []map[string]json.RawMessage
	var out envelope
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["payloadType"], &out.PayloadType) != nil {
		return envelope{}, ErrMalformed
	}
	if out.PayloadType != PayloadType {
		return envelope{}, ErrUnknownVersion
	}
	payload, ok := decoded(members["payload"])
	if !ok || len(payload) != 32 || json.Unmarshal(members["signatures"], &signatures) != nil {
		return envelope{}, ErrMalformed
	}
	if len(signatures) == 0 || len(signatures) > maxSignatures {
		return envelope{}, ErrMalformed
	}
	out.Payload = payload
	for _, m := range signatures {
		var s signature
		if s.Sig, ok = decoded(m["sig"]); !ok {
			return envelope{}, ErrMalformed
		}
		if id, named := m["keyid"]; named && json.Unmarshal(id, &s.KeyID) != nil {
			return envelope{}, ErrMalformed
		}
		out.Signatures = append(out.Signatures, s)
	}
	return out, nil
}

// decoded reads a JSON string of Base64, standard or for URLs, as DSSE allows.
func decoded(raw json.RawMessage) ([]byte, bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		if out, err := encoding.Strict().DecodeString(text); err == nil {
			return out, true
		}
	}
	return nil, false
}

// signedBy finds the sender's key behind a good signature; the fault is that of the signature that came furthest.
func (r Ring) signedBy(env envelope, sender authority.ID, at time.Time) (Key, error) {
	message := preAuthEncoding(env.PayloadType, env.Payload)
	order := []cloudevent.FaultError{ErrKeyUnknown, ErrKeyOfAnother, ErrWrongSignature, ErrKeyNotYet, ErrKeyExpired, ErrKeyRevoked}
	furthest := ErrKeyUnknown
	for _, s := range env.Signatures {
		key, fault := r.judge(s, message, sender, at)
		if fault == "" {
			return key, nil
		}
		if slices.Index(order, fault) > slices.Index(order, furthest) {
			furthest = fault
		}
	}
	return Key{}, furthest
}

// judge says what is wrong with one signature; "" when nothing is.
func (r Ring) judge(s signature, message []byte, sender authority.ID, at time.Time) (Key, cloudevent.FaultError) {
	i := slices.IndexFunc(r, func(k Key) bool { return k.ID == s.KeyID })
	switch {
	case i < 0:
		return Key{}, ErrKeyUnknown
	case r[i].Authority != sender:
		return Key{}, ErrKeyOfAnother
	case !r[i].verifies(message, s.Sig):
		return Key{}, ErrWrongSignature
	}
	return r[i], r[i].counts(at)
}

// counts says why the key does not count at an instant; "" when it does.
func (k Key) counts(at time.Time) cloudevent.FaultError {
	switch {
	case !k.Revoked.IsZero() && !at.Before(k.Revoked):
		return ErrKeyRevoked
	case at.Before(k.Begins):
		return ErrKeyNotYet
	case !k.Ends.IsZero() && !at.Before(k.Ends):
		return ErrKeyExpired
	}
	return ""
}
