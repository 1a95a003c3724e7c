package localtemporal

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
)

const (
	clusterName = "active"
	// clusterID is written into the database at the first start and has to stay the same.
	clusterID      = "5a9e4d1c-3a0f-4c57-9d0c-6f1d7c9b2e10"
	mainStore      = "main"
	listStore      = "visibility"
	sqliteShards   = 1 // cannot change later; more on SQLite makes "database is locked"
	joinPatience   = 30 * time.Second
	fullSync       = "2"
	normalSync     = "1"
	busyTimeout    = "10000"
	failoverStep   = 10
	initialVersion = 1
)

// ports are the listening ports of the four services and of the frontend's HTTP side.
type ports struct {
	frontend, http, history, matching, worker int
}

// freePorts finds free ports on the loopback address; frontend may be given. All are held until all are found, so they
// differ; between here and the server's own listening another program may still take one.
func freePorts(frontend int) (p ports, err error) {
	wanted := []struct {
		port *int
		want int
	}{{&p.frontend, frontend}, {&p.http, 0}, {&p.history, 0}, {&p.matching, 0}, {&p.worker, 0}}
	for _, w := range wanted {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(w.want))) //nolint:noctx // returns at once on loopback
		if err != nil {
			return ports{}, err
		}
		defer l.Close() //nolint:errcheck // it only held the port
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return ports{}, fmt.Errorf("listener has the address %s", l.Addr())
		}
		*w.port = addr.Port
	}
	return p, nil
}

func address(port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }

func (p ports) hosts() map[primitives.ServiceName]static.Hosts {
	return map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: static.SingleLocalHost(address(p.frontend)),
		primitives.HistoryService:  static.SingleLocalHost(address(p.history)),
		primitives.MatchingService: static.SingleLocalHost(address(p.matching)),
		primitives.WorkerService:   static.SingleLocalHost(address(p.worker)),
	}
}

// settings is the server's whole static configuration.
func settings(c Config, p ports, memory string) *config.Config {
	service := func(grpc, http int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: grpc, HTTPPort: http, BindOnIP: ip}}
	}
	stores, shards := datastores(c, memory)
	return &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: joinPatience, BroadcastAddress: ip}},
		Persistence: config.Persistence{
			DefaultStore: mainStore, VisibilityStore: listStore, NumHistoryShards: shards, DataStores: stores,
		},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(p.frontend, p.http),
			string(primitives.HistoryService):  service(p.history, 0),
			string(primitives.MatchingService): service(p.matching, 0),
			string(primitives.WorkerService):   service(p.worker, 0),
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: failoverStep, MasterClusterName: clusterName, CurrentClusterName: clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
				Enabled: true, InitialFailoverVersion: initialVersion, ClusterID: clusterID,
				RPCAddress: address(p.frontend), HTTPAddress: address(p.http),
			}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: address(p.frontend)},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
	}
}

// datastores are the two databases, and the number of shards that suits them.
func datastores(c Config, memory string) (stores map[string]config.DataStore, shards int32) {
	if p := c.PostgreSQL; p != nil {
		return map[string]config.DataStore{mainStore: {SQL: p.store(p.Database)}, listStore: {SQL: p.store(p.Visibility)}}, postgresShards
	}
	return map[string]config.DataStore{
		mainStore: {SQL: database(c, mainFile, memory)},
		listStore: {SQL: database(c, visibilityFile, memory)},
	}, sqliteShards
}

// database is one SQLite database: one connection, because more of them meet "database is locked". What is no parameter
// of an SQLite URI becomes a pragma.
func database(c Config, name, memory string) *config.SQL {
	s := &config.SQL{PluginName: sqlite.PluginName, MaxConns: 1, MaxIdleConns: 1}
	if c.Dir == "" {
		s.DatabaseName = memory + name
		s.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
		return s
	}
	s.DatabaseName = filepath.Join(c.Dir, name)
	s.ConnectAttributes = map[string]string{
		"mode": "rw", "journal_mode": "wal", "synchronous": fullSync, "busy_timeout": busyTimeout,
	}
	if c.Fast {
		s.ConnectAttributes["synchronous"] = normalSync
	}
	return s
}

// tuning is the dynamic configuration for one node. With the defaults each step of a process would wait
// 50 ms once the burst of the queues' polling rate is used.
func tuning() dynamicconfig.StaticClient {
	const pollRate = 2000
	return dynamicconfig.StaticClient{
		dynamicconfig.MakeKey("history.transferProcessorMaxPollRPS"):   pollRate,
		dynamicconfig.MakeKey("history.timerProcessorMaxPollRPS"):      pollRate,
		dynamicconfig.MakeKey("history.visibilityProcessorMaxPollRPS"): pollRate,
		dynamicconfig.MakeKey("matching.numTaskqueueReadPartitions"):   1,
		dynamicconfig.MakeKey("matching.numTaskqueueWritePartitions"):  1,
		dynamicconfig.MakeKey("frontend.namespaceRPS.visibility"):      100,
		dynamicconfig.MakeKey("history.hostLevelCacheMaxSize"):         8096,
		dynamicconfig.MakeKey("system.namespaceCacheRefreshInterval"):  time.Second,
	}
}
