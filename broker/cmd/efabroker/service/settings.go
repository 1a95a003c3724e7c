package service

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"

	"github.com/efa-broker/efa-broker/adapters/eventlog/kafkalog"
	"github.com/efa-broker/efa-broker/broker/identity"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// kafka is the client's configuration; files that cannot be used are Invalid.
func (s Service) kafka() (kafkalog.Config, error) {
	k := s.Config.Kafka
	cfg := kafkalog.Config{Brokers: k.Addresses(), Logger: s.Log}
	if k.Mechanism != "none" {
		cfg.SASL = &kafkalog.SASL{Mechanism: k.Mechanism, Username: k.Username, Password: k.Password}
	}
	if !k.TLS {
		return cfg, nil
	}
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if k.CA != "" {
		pem, err := os.ReadFile(k.CA)
		if err != nil {
			return cfg, invalid("kafka.ca", err)
		}
		cfg.TLS.RootCAs = x509.NewCertPool()
		if !cfg.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return cfg, invalid("kafka.ca", errors.New("holds no certificate; want PEM"))
		}
	}
	if k.Cert != "" {
		pair, err := tls.LoadX509KeyPair(k.Cert, k.Key)
		if err != nil {
			return cfg, invalid("kafka.cert", err)
		}
		cfg.TLS.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// principal is a line of the file of principals.
type principal struct {
	ID        string             `json:"id"`
	Kind      identity.Kind      `json:"kind"`
	Role      actor.Role         `json:"role"`
	Tenant    authority.TenantID `json:"tenant"`
	Authority authority.ID       `json:"authority"`
}

// principals reads who may speak beside the machine clients; Directory.Seed checks what they say.
func (s Service) principals() ([]identity.Principal, error) {
	if s.Config.Principals == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(s.Config.Principals)
	if err != nil {
		return nil, invalid("principals", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var listed []principal
	if err := d.Decode(&listed); err != nil {
		return nil, invalid("principals", err)
	}
	out := make([]identity.Principal, len(listed))
	for i, p := range listed {
		out[i] = identity.Principal{
			ID: p.ID, Kind: p.Kind, Role: p.Role, Operator: authority.OperatorID(s.Config.Operator), Tenant: p.Tenant, Authority: p.Authority,
		}
	}
	return out, nil
}

func invalid(key string, err error) error {
	return contracts.Refuse(contracts.Invalid, "read configuration", contracts.Problem{Pointer: key, Detail: err.Error()})
}
