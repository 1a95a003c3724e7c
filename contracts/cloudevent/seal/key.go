package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Algorithm is how a key signs. The set is closed.
type Algorithm string

// The algorithms.
const (
	ES256   Algorithm = "ES256"
	Ed25519 Algorithm = "Ed25519"
)

// Key is a public key that is registered for an authority.
type Key struct {
	// ID is what an envelope calls the key, ^[a-z][a-z0-9._-]{2,62}$; one key in the register has it, for ever.
	ID        string
	Authority authority.ID
	// Principal is the machine client of that authority as which a sender counts.
	Principal string
	Algorithm Algorithm
	Public    crypto.PublicKey
	// Begins and Ends bound the instants of receipt at which the key counts; Ends is exclusive, zero means no end.
	Begins time.Time
	Ends   time.Time
	// Revoked is the instant from which the key counts no more, whatever Ends says; zero means not revoked.
	Revoked time.Time
}

// Ring is a register of keys. An authority that has one in it speaks Kafka.
type Ring []Key

// Authorities lists the authorities of the ring, each once, sorted.
func (r Ring) Authorities() []authority.ID {
	var out []authority.ID
	for _, k := range r {
		out = append(out, k.Authority)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// columns are those of a register file.
func columns() []string {
	return []string{"authority", "principal", "key_id", "algorithm", "public_key", "begins", "ends", "revoked"}
}

var keyID = regexp.MustCompile(`^[a-z][a-z0-9._-]{2,62}$`)

// ReadRing reads a register of keys: CSV with the header authority, principal, key_id, algorithm, public_key (Base64 of the
// SubjectPublicKeyInfo), begins, ends, revoked (RFC 3339; the last two may be empty). It returns every fault at once, each
// with the file's name, line and column, as Invalid.
func ReadRing(file io.Reader, name string) (Ring, error) {
	const op = "read keys of authorities"
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = len(columns())
	head, err := reader.Read()
	if err != nil || !slices.Equal(head, columns()) {
		return nil, contracts.Errorf(contracts.Invalid, op, "%s:1: want the columns %s", name, strings.Join(columns(), ","))
	}
	var ring Ring
	var faults []error
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := reader.FieldPos(0)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			break
		}
		k, problems := readKey(row)
		if slices.ContainsFunc(ring, func(o Key) bool { return o.ID == k.ID }) {
			problems = append(problems, errors.New("key_id: is listed twice; the id of a key is never used again"))
		}
		for _, p := range problems {
			faults = append(faults, fmt.Errorf("%s:%d: %w", name, line, p))
		}
		ring = append(ring, k)
	}
	if len(faults) > 0 {
		return nil, contracts.Errorf(contracts.Invalid, op, "%w", errors.Join(faults...))
	}
	return ring, nil
}

func readKey(row []string) (k Key, problems []error) {
	k = Key{Authority: authority.ID(row[0]), Principal: row[1], ID: row[2], Algorithm: Algorithm(row[3])}
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if _, err := authority.ParseID(row[0]); err != nil {
		problem("authority: %w", err)
	}
	if k.Principal == "" {
		problem("principal: is empty; want the client id of the authority's system")
	}
	if !keyID.MatchString(k.ID) {
		problem("key_id: want %s", keyID)
	}
	var err error
	if k.Public, err = publicKey(row[4]); err != nil {
		problem("public_key: %w", err)
	} else if found, _ := algorithmOf(k.Public); found != k.Algorithm {
		problem("algorithm: want %s, which is that of the key", found)
	}
	for _, f := range []struct {
		column, text string
		into         *time.Time
		optional     bool
	}{{"begins", row[5], &k.Begins, false}, {"ends", row[6], &k.Ends, true}, {"revoked", row[7], &k.Revoked, true}} {
		if f.optional && f.text == "" {
			continue
		}
		if *f.into, err = time.Parse(time.RFC3339, f.text); err != nil {
			problem("%s: want an instant such as 2026-01-31T00:00:00+01:00", f.column)
		}
	}
	if !k.Ends.IsZero() && !k.Ends.After(k.Begins) {
		problem("ends: is not after begins")
	}
	return k, problems
}

func publicKey(text string) (crypto.PublicKey, error) {
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("want Base64 of a SubjectPublicKeyInfo")
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is no SubjectPublicKeyInfo")
	}
	_, err = algorithmOf(public)
	return public, err
}

// algorithmOf is the one algorithm of a key.
func algorithmOf(public crypto.PublicKey) (Algorithm, error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return Ed25519, nil
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ES256, nil
		}
	}
	return "", errors.New("want a key on P-256 (ES256) or Ed25519; no other algorithm is spoken")
}
