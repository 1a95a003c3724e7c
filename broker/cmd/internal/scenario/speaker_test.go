//go:build faults

package scenario

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/adapters/backoffice/kafkaoutbox"
	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/cloudevent/seal"
	"github.com/efa-broker/efa-broker/contracts/event/answer"
)

// operator hosts the cases.
const operator authority.OperatorID = "bayern"

// speakers are the authorities that answer by sealed events on their own topics: one that has tasks, and one that only
// receives. All others answer over HTTP.
type speakers struct {
	// register is the file of their public keys, as the broker reads it.
	register string
	keys     map[authority.ID]ed25519.PrivateKey
}

func newSpeakers(tb testing.TB, dir string) speakers {
	tb.Helper()
	s := speakers{register: filepath.Join(dir, "authority-keys.csv"), keys: map[authority.ID]ed25519.PrivateKey{}}
	lines := []string{"authority,principal,key_id,algorithm,public_key,begins,ends,revoked"}
	for _, a := range []authority.ID{"gewerbeamt-muenchen", "ihk-muenchen"} {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			tb.Fatal(err)
		}
		public, err := x509.MarshalPKIXPublicKey(private.Public())
		if err != nil {
			tb.Fatal(err)
		}
		s.keys[a] = private
		lines = append(lines, strings.Join([]string{string(a), string(a), string(a), string(seal.Ed25519), base64.StdEncoding.EncodeToString(public), "2026-01-01T00:00:00Z", "", ""}, ","))
	}
	if err := os.WriteFile(s.register, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return s
}

// topics are those that they write to.
func (s speakers) topics() (out []string) {
	for a := range s.keys {
		out = append(out, answer.Topic(a))
	}
	return out
}

// through lets an authority that speaks Kafka answer by its topic.
func (s speakers) through(log func(id authority.ID) *kafkalog.Log) func(id authority.ID, api backoffice.Port) (backoffice.Port, error) {
	return func(id authority.ID, api backoffice.Port) (backoffice.Port, error) {
		key, speaks := s.keys[id]
		if !speaks {
			return api, nil
		}
		return kafkaoutbox.Open(kafkaoutbox.Config{
			Port: api, Log: log(id), Authority: id, Operator: operator, Signer: seal.Signer{KeyID: string(id), Private: key},
		})
	}
}
