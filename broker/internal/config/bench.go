package config

import "github.com/efa-broker/efa-broker/contracts"

// Bench names the engines of a benchmark, by the settings of the broker against outside engines. Without a ledger the
// stores are measured alone, on SQLite.
type Bench struct {
	Ledger     Database `key:"ledger"`
	Keystore   Database `key:"keystore"`
	Kafka      Kafka    `key:"kafka"`
	Temporal   Temporal `key:"temporal"`
	AllowPlain bool     `key:"allow_plain" default:"false" doc:"Permits unencrypted connections to engines on other machines. Set it only inside a network that encrypts by itself."`
}

// Outside reports whether there are outside engines.
func (c *Bench) Outside() bool { return c.Ledger.URL != "" }

// Validate reports every fault, each with what to do.
func (c *Bench) Validate() []contracts.Problem {
	if !c.Outside() {
		return check(rule{c.Keystore.URL != "", "keystore.url", "is set without ledger.url; set both, or none to measure the stores alone on SQLite"})
	}
	_, _, temporal := splitAddress(c.Temporal.Address)
	rules := []rule{
		{!temporal, "temporal.address", "is no address; want host:port such as temporal:7233"},
		{c.Temporal.Namespace == "", "temporal.namespace", "is empty; name it, or leave it out for efa"},
	}
	rules = append(rules, c.Ledger.rules("ledger.url", c.AllowPlain)...)
	rules = append(rules, c.Keystore.rules("keystore.url", c.AllowPlain)...)
	return check(append(rules, c.Kafka.rules(c.AllowPlain)...)...)
}
