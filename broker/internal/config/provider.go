package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Provider configures the embedded OpenID provider as a process of its own, beside brokers that run on outside engines.
type Provider struct {
	Operator        string        `key:"operator"         default:"bayern"                doc:"Operator whose brokers stand beside it: its client, its portal's and those of its authorities are registered. Set it as at the brokers."`
	Data            string        `key:"data"             default:"./data"                doc:"Directory of the provider's key, the clients' keys and the people who can log in, laid out as in the data directory of a standalone broker. Change it to keep several apart; two processes never share one."`
	Listen          string        `key:"listen"           default:"127.0.0.1:8090"        doc:"Address of the provider, host:port; the issuer is http://host:port/oidc. Port 0 picks a free one, which the first line of the output names."`
	Callbacks       string        `key:"callbacks"        default:"http://127.0.0.1:8080" doc:"Addresses of the brokers' APIs, separated by commas, to which case workers are led back after the log-in. Change it when a broker listens elsewhere."`
	ShutdownTimeout time.Duration `key:"shutdown_timeout" default:"20s"                   doc:"How long a shutdown waits for work in hand before it gives up. Raise it when stopping is reported as incomplete."`
	Log             Log           `key:"log"`
}

// CallbackAddresses are the addresses in Callbacks.
func (c *Provider) CallbackAddresses() []string {
	var out []string
	for address := range strings.SplitSeq(c.Callbacks, ",") {
		out = append(out, strings.TrimSuffix(strings.TrimSpace(address), "/"))
	}
	return out
}

// Validate reports every fault, each with what to do.
func (c *Provider) Validate() []contracts.Problem {
	host, _, ok := splitAddress(c.Listen)
	rules := []rule{
		{c.Operator == "", "operator", "is empty; name the operator, or leave it out for bayern"},
		{c.Data == "", "data", "is empty; name a directory, or leave it out for ./data"},
		{!ok, "listen", "is no address; want host:port such as 127.0.0.1:8090, port 0 for a free one"},
		{ok && !loopback(host), "listen", "can be reached from other machines; this provider is for trying out and listens on 127.0.0.1 only; in production use Keycloak"},
		{c.ShutdownTimeout < time.Second, "shutdown_timeout", "is too short for work in hand to end; want at least 1s"},
	}
	for _, address := range c.CallbackAddresses() {
		u, err := url.Parse(address)
		rules = append(rules, rule{
			err != nil || !isURL(address) || u.Path != "" || u.RawQuery != "" || u.Fragment != "", "callbacks",
			"holds what is no address; want URLs without a path such as http://127.0.0.1:8080, separated by commas",
		})
	}
	return check(rules...)
}
