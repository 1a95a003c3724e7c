package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Broker configures the broker against outside engines: efabroker serve, worker and migrate.
type Broker struct {
	Operator        string        `key:"operator"         default:"bayern"         doc:"Operator that hosts every case of this broker. Set it once, before the first case."`
	Data            string        `key:"data"             default:"./data"         doc:"Directory with the receipt key and the tenant keys, shared by all replicas and in no backup of the ledger. Change it to the mounted volume."`
	KeystoreBackup  string        `key:"keystore_backup"  fallback:"DATA/keystore/backup" doc:"Directory, shared by all replicas, into which the broker copies the key store whenever a tenant key changes. Set it to a disk of its own, never to a place that is backed up together with the ledger."`
	Listen          string        `key:"listen"           default:"127.0.0.1:8080" doc:"Address of the HTTP API, host:port. Port 0 picks a free one, which the first line of output names. It speaks plain HTTP: put a proxy with TLS before it."`
	Principals      string        `key:"principals"       fallback:"the operator's client, the portal's and one per authority" doc:"JSON file with further clients and people who may speak to the broker, a list of {id, kind, role, tenant, authority}. Set it when case workers log in."`
	Ledger          Database      `key:"ledger"`
	Keystore        Database      `key:"keystore"`
	Kafka           Kafka         `key:"kafka"`
	Temporal        Temporal      `key:"temporal"`
	OpenID          OpenID        `key:"openid"`
	AllowPlain      bool          `key:"allow_plain"      default:"false"          doc:"Permits unencrypted connections to engines on other machines. Set it only inside a network that encrypts by itself."`
	DrainDelay      time.Duration `key:"drain_delay"      default:"2s"             doc:"How long a process that was told to stop goes on serving while /readyz already says no. Set it to the time in which the load balancer notices."`
	ShutdownTimeout time.Duration `key:"shutdown_timeout" default:"20s"            doc:"How long a shutdown waits for work in hand before it gives up. Raise it when stopping is reported as incomplete."`
	Log             Log           `key:"log"`
}

// Database is a PostgreSQL database.
type Database struct {
	URL string `key:"url" secret:"true" fallback:"nothing: it must be set" doc:"PostgreSQL database, postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=verify-full. Ledger and key store lie in different clusters, because the log of the ledger's is archived."`
}

// Kafka is an Apache Kafka cluster.
type Kafka struct {
	Brokers   string `key:"brokers"   default:"127.0.0.1:9092" doc:"Addresses at which the cluster is found, host:port separated by commas. Name several, so that the loss of one is survived."`
	TLS       bool   `key:"tls"       default:"false"          doc:"Encrypts connections to Kafka. Set it whenever the cluster is on another machine."`
	CA        string `key:"ca"        fallback:"the authorities of this machine" doc:"PEM file with the certificate authorities that Kafka's certificate may come from. Set it for an authority of your own."`
	Cert      string `key:"cert"      fallback:"no client certificate"           doc:"PEM file with this broker's certificate. Set it, with key, where Kafka demands one."`
	Key       string `key:"key"       fallback:"no client certificate"           doc:"PEM file with the key of cert, mode 0600."`
	Mechanism string `key:"mechanism" default:"none" enum:"none,PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" doc:"SASL mechanism by which this broker logs in to Kafka. Set it, with username and password, where the cluster has users."`
	Username  string `key:"username"  fallback:"no log-in"                       doc:"User name at Kafka."`
	Password  string `key:"password"  secret:"true" fallback:"no log-in"         doc:"Password at Kafka."`
}

// Temporal is a Temporal cluster.
type Temporal struct {
	Address   string `key:"address"   default:"127.0.0.1:7233" doc:"Address of Temporal's frontend, host:port."`
	Namespace string `key:"namespace" default:"efa"            doc:"Temporal namespace of the operator, which exists already. Change it when several operators share a cluster."`
}

// OpenID is the provider whose tokens count.
type OpenID struct {
	Issuer   string `key:"issuer"   fallback:"nothing: it must be set" doc:"URL of the OpenID provider, exactly as it names itself."`
	JWKS     string `key:"jwks"     fallback:"nothing: it must be set" doc:"URL at which the provider publishes its keys."`
	Audience string `key:"audience" default:"broker-api"               doc:"Audience that a token must name. Change it when the provider knows the broker under another name."`
}

// Addresses are the brokers one by one.
func (k Kafka) Addresses() []string {
	var out []string
	for a := range strings.SplitSeq(k.Brokers, ",") {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	return out
}

// Validate reports every fault, each with what to do.
func (c *Broker) Validate() []contracts.Problem {
	_, _, listens := splitAddress(c.Listen)
	_, _, temporal := splitAddress(c.Temporal.Address)
	rules := []rule{
		{c.Operator == "", "operator", "is empty; name the operator, or leave it out for bayern"},
		{c.Data == "", "data", "is empty; name a directory, or leave it out for ./data"},
		{!listens, "listen", "is no address; want host:port such as 127.0.0.1:8080, port 0 for a free one"},
		{!temporal, "temporal.address", "is no address; want host:port such as temporal:7233"},
		{c.Temporal.Namespace == "", "temporal.namespace", "is empty; name it, or leave it out for efa"},
		{!isURL(c.OpenID.Issuer), "openid.issuer", "is no URL; want that of the provider, such as https://id.example/realms/efa"},
		{!isURL(c.OpenID.JWKS), "openid.jwks", "is no URL; the provider's discovery document names it as jwks_uri"},
		{c.OpenID.Audience == "", "openid.audience", "is empty, so tokens for anybody would count; name it, or leave it out for broker-api"},
		{isURL(c.OpenID.JWKS) && !c.AllowPlain && exposed(c.OpenID.JWKS), "openid.jwks", "is plain http to another machine, who could answer with keys of its own; use https, or set allow_plain"},
		{c.DrainDelay < 0, "drain_delay", "is negative; want 0s or more"},
		{c.ShutdownTimeout < time.Second, "shutdown_timeout", "is too short for work in hand to end; want at least 1s"},
		{c.Ledger.cluster() != "" && c.Ledger.cluster() == c.Keystore.cluster(), "keystore.url", "is in the ledger's cluster, whose log is archived: an erased key would come back from there; use a cluster of its own"},
	}
	rules = append(rules, c.Ledger.rules("ledger.url", c.AllowPlain)...)
	rules = append(rules, c.Keystore.rules("keystore.url", c.AllowPlain)...)
	return check(append(rules, c.Kafka.rules(c.AllowPlain)...)...)
}

func (k Kafka) rules(allowPlain bool) []rule {
	rules := []rule{
		{len(k.Addresses()) == 0, "kafka.brokers", "is empty; want host:port, several separated by commas"},
		{!k.TLS && k.CA+k.Cert+k.Key != "", "kafka.tls", "is off beside a certificate; turn it on, or leave the certificate out"},
		{(k.Cert == "") != (k.Key == ""), "kafka.cert", "and kafka.key go together; set both or none"},
		{k.Mechanism != "none" && (k.Username == "" || k.Password == ""), "kafka.mechanism", "needs kafka.username and kafka.password; set them, or leave the mechanism out"},
		{k.Mechanism == "none" && k.Username+k.Password != "", "kafka.mechanism", "is none beside a user name or password, which nobody would ask for; name the mechanism"},
	}
	for _, a := range k.Addresses() {
		host, _, ok := splitAddress(a)
		rules = append(rules,
			rule{!ok, "kafka.brokers", "holds what is no address; want host:port, several separated by commas"},
			rule{ok && !k.TLS && !allowPlain && !loopback(host), "kafka.tls", "is off although Kafka is on another machine; turn it on, or set allow_plain"},
		)
	}
	return rules
}

func (d Database) rules(key string, allowPlain bool) []rule {
	u, err := url.Parse(d.URL)
	ok := err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && strings.Trim(u.Path, "/") != ""
	plain := false
	if ok && !allowPlain && d.remote() {
		switch u.Query().Get("sslmode") {
		case "require", "verify-ca", "verify-full":
		default:
			plain = true
		}
	}
	return []rule{
		{!ok, key, "is no PostgreSQL URL; want postgres://USER:PASSWORD@HOST:PORT/NAME"},
		{plain, key, "does not encrypt to another machine; add sslmode=verify-full, or set allow_plain"},
	}
}

// host is where the database listens; a path is a socket.
func (d Database) host() (host, port string) {
	u, err := url.Parse(d.URL)
	if err != nil {
		return "", ""
	}
	host, port = u.Hostname(), u.Port()
	if h := u.Query().Get("host"); h != "" {
		host = h
	}
	if p := u.Query().Get("port"); p != "" {
		port = p
	}
	if port == "" {
		port = "5432"
	}
	return host, port
}

func (d Database) remote() bool {
	host, _ := d.host()
	return host != "" && !strings.HasPrefix(host, "/") && !loopback(host)
}

// cluster tells two clusters apart; empty when the database is not named.
func (d Database) cluster() string {
	if d.URL == "" {
		return ""
	}
	host, port := d.host()
	return host + " " + port
}
