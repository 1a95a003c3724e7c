package config

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// Standalone configures the broker with its embedded engines in one process.
type Standalone struct {
	Data            string        `key:"data"             default:"./data"         doc:"Directory for everything that the broker keeps. Change it to keep several brokers apart; two processes never share one."`
	KeystoreBackup  string        `key:"keystore_backup"  fallback:"DATA/keystore/backup" doc:"Directory into which the broker backs up the key store whenever a tenant key changes. Set it to a disk of its own, never to a place that is backed up together with the ledger."`
	Listen          string        `key:"listen"           default:"127.0.0.1:8080" doc:"Address of the HTTP API, host:port. Port 0 picks a free one; endpoint.json in the data directory names it."`
	KafkaListen     string        `key:"kafka_listen"     default:"127.0.0.1:9092" doc:"Address of the embedded Kafka broker, host:port. Port 0 picks a free one."`
	TemporalListen  string        `key:"temporal_listen"  default:"127.0.0.1:7233" doc:"Address of the embedded Temporal server, host:port. Port 0 picks a free one."`
	AllowRemote     bool          `key:"allow_remote"     default:"false"          doc:"Permits addresses that other machines can reach. Set it only on a machine that nobody else reaches: the embedded log-in and engines are for trying out and small sites."`
	AuthorityKeys   string        `key:"authority_keys"  fallback:"the register that the product carries, which has no key" doc:"CSV file with the public keys of the authorities that speak Kafka themselves; its columns stand in contracts/cloudevent/seal. Set it to let an authority answer by its topic efa.outbox.AUTHORITY; a changed file is read at the next start."`
	Offices         string        `key:"offices"          default:"auto"           enum:"auto,all,recipients,none" doc:"Back offices of the demo's authorities that this process plays: all, recipients (all but the trade offices, so that you can do their tasks by hand), none; auto means all for the demo and none for serve. Played offices are invented, and what they obtain lies in plain text under DATA/offices: never set it on real data. Change it to recipients to be the trade offices yourself."`
	Example         string        `key:"example"          default:"01-einzelkauffrau.json" doc:"Example application that the demo files, by file name. Change it to see another legal form."`
	Exit            bool          `key:"exit"             default:"false"          doc:"Ends the demo's process after the run, with status 0 only when every step was seen. Set it in pipelines."`
	BacklogMax      int64         `key:"backlog_max"      default:"100000"         doc:"How many events may wait for the event log and the process engine before new cases are refused with 503; answers and reading go on. Raise it when an outage must be bridged for longer and the disk has room, about 20 KiB for each new case."`
	ShutdownTimeout time.Duration `key:"shutdown_timeout" default:"20s"            doc:"How long a shutdown waits for work in hand before it gives up. Raise it when stopping is reported as incomplete."`
	OTLPEndpoint    string        `key:"otlp_endpoint"    fallback:"no traces"      doc:"Address of an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Set it to see each case as one trace; spans hold ids and codes only, and without it none is made."`
	Log             Log           `key:"log"`
}

// Log configures the log.
type Log struct {
	Level  string `key:"level"  default:"info" enum:"debug,info,warn,error" doc:"Least severe entry that is written. Lower it to debug when you look for a fault."`
	Format string `key:"format" default:"text" enum:"text,json"             doc:"Form of an entry: text for people, json where a collector reads the log."`
}

// Validate reports every fault, each with what to do.
func (c *Standalone) Validate() []contracts.Problem {
	rules := []rule{
		{c.Data == "", "data", "is empty; name a directory, or leave it out for ./data"},
		{c.BacklogMax < 1, "backlog_max", "leaves no room for any case; want at least 1"},
		{c.ShutdownTimeout < time.Second, "shutdown_timeout", "is too short for work in hand to end; want at least 1s"},
	}
	rules = append(rules,
		rule{c.OTLPEndpoint != "" && !isURL(c.OTLPEndpoint), "otlp_endpoint", "is no address; want a URL such as http://127.0.0.1:4318"},
		rule{isURL(c.OTLPEndpoint) && exposed(c.OTLPEndpoint), "otlp_endpoint", "is plain http to another machine; use https, or a collector on this machine"},
	)
	listeners := []struct{ key, address string }{
		{"listen", c.Listen}, {"kafka_listen", c.KafkaListen}, {"temporal_listen", c.TemporalListen},
	}
	taken := map[string]string{}
	for _, l := range listeners {
		host, port, ok := splitAddress(l.address)
		rules = append(rules,
			rule{!ok, l.key, "is no address; want host:port such as 127.0.0.1:8080, port 0 for a free one"},
			rule{ok && !c.AllowRemote && !loopback(host), l.key, "can be reached from other machines; use 127.0.0.1, or set allow_remote"},
			rule{ok && port != "0" && taken[port] != "", l.key, "has the port of " + taken[port] + "; want another, or port 0"},
		)
		if ok {
			taken[port] = l.key
		}
	}
	return check(rules...)
}
