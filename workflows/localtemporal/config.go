package localtemporal

import (
	"log/slog"
	"time"
)

// Config says where the server keeps its data and how it is reached.
type Config struct {
	// Dir is the directory of the data; it is made with mode 0700. Empty keeps everything in memory, for tests.
	Dir string
	// PostgreSQL keeps the data in a PostgreSQL cluster; Dir is empty then. Defaults to none: files or memory.
	PostgreSQL *PostgreSQL
	// Port is the port of the frontend on the loopback address. Defaults to 0, which picks a free one.
	Port int
	// Namespace is the namespace of the operator, made at the first start. Defaults to "efa".
	Namespace string
	// Retention is how long the history of a closed case is kept; it is fixed when the namespace is made. Defaults to 90
	// days.
	Retention time.Duration
	// Fast lets a commit return before it is on disk: kill -9 loses nothing, a power cut may lose the last commits, which
	// the broker hands over again. For a demonstration. Defaults to false.
	Fast bool
	// Logger gets the server's errors. Defaults to discarding them.
	Logger *slog.Logger
}

const (
	ip               = "127.0.0.1"
	defaultNamespace = "efa"
	defaultRetention = 90 * 24 * time.Hour
	// Names of the databases in a PostgreSQL cluster.
	defaultMainDatabase = "temporal"
	defaultListDatabase = "temporal_visibility"
	dirMode             = 0o700
	fileMode            = 0o600
)

func (c Config) withDefaults() Config {
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.PostgreSQL != nil {
		p := c.PostgreSQL.withDefaults()
		c.PostgreSQL = &p
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
