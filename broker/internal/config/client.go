package config

import (
	"path/filepath"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Client configures the command line efabroker.
type Client struct {
	Data      string        `key:"data"       default:"./data"          doc:"Data directory of a standalone broker on this machine: its endpoint.json names the address, its clients directory holds the keys. Change it when the broker was started with another --data."`
	Server    string        `key:"server"     fallback:"the address in DATA/endpoint.json" doc:"Address of the broker's API, an http or https URL. Set it, together with issuer, for a broker on another machine."`
	Issuer    string        `key:"issuer"     fallback:"the issuer in DATA/endpoint.json"  doc:"URL of the OpenID provider, exactly as it names itself. Set it together with server."`
	Clients   string        `key:"clients"    fallback:"DATA/clients"   doc:"Directory of credentials files, one CLIENT.json with mode 0600 per client."`
	Client    string        `key:"client"     default:"operator-bayern" doc:"Client as which commands speak that act for no office. Change it when you work for another operator."`
	Portal    string        `key:"portal"     default:"portal-bayern"   doc:"Client as which applications are submitted. Change it when you file through another portal."`
	Token     string        `key:"token"      secret:"true" fallback:"a token obtained with the client's key" doc:"Access token to use as it is. Set it where tokens are obtained elsewhere, for example in a pipeline; it then stands for every client."`
	Output    string        `key:"output"     default:"text" enum:"text,json" doc:"Form of the output: text for people, json for machines. The flag --json means --output json."`
	Timeout   time.Duration `key:"timeout"    default:"45s"             doc:"How long a command waits for one answer of the broker. Raise it on slow networks; it must exceed the 30 seconds for which the broker may hold an answer."`
	AllowHTTP bool          `key:"allow_http" default:"false"           doc:"Permits plain http to another machine. Set it only inside a network that encrypts by itself: tokens can be read on the way."`
}

// longestAnswer is for how long the broker may hold an answer.
const longestAnswer = 30 * time.Second

// Validate reports every fault, each with what to do.
func (c *Client) Validate() []contracts.Problem {
	return check(
		rule{c.Data == "", "data", "is empty; name a directory, or leave it out for ./data"},
		rule{c.Server != "" && !isURL(c.Server), "server", "is no address; want a URL such as https://broker.example"},
		rule{c.Issuer != "" && !isURL(c.Issuer), "issuer", "is no address; want a URL such as https://id.example/realms/efa"},
		rule{c.Server != "" && c.Issuer == "" && c.Token == "", "issuer", "is missing beside server; tokens of another provider would be sent there; set issuer, or token"},
		rule{c.Issuer != "" && c.Server == "", "server", "is missing beside issuer; the keys of one broker would be used at another; set both or none"},
		rule{isURL(c.Server) && !c.AllowHTTP && exposed(c.Server), "server", "is plain http to another machine; use https, or set allow_http inside a network that encrypts by itself"},
		rule{c.Client == "", "client", "is empty; name a client, or leave it out for operator-bayern"},
		rule{c.Portal == "", "portal", "is empty; name a client, or leave it out for portal-bayern"},
		rule{c.Timeout <= longestAnswer, "timeout", "is too short; the broker may hold an answer for 30s; want more, such as 45s"},
	)
}

// ClientsDir is the directory of credentials files.
func (c *Client) ClientsDir() string {
	if c.Clients != "" {
		return c.Clients
	}
	return filepath.Join(c.Data, "clients")
}
