package localtemporal_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/workflows/localtemporal"
)

// clusterVariable names the PostgreSQL cluster of the tests: the URL of a superuser of a cluster that may be thrown away.
const clusterVariable = "EFA_POSTGRES"

// onPostgreSQL is a configuration with two databases of its own, which are dropped with the test.
func onPostgreSQL(t *testing.T) localtemporal.Config {
	t.Helper()
	cluster := os.Getenv(clusterVariable)
	if cluster == "" {
		t.Skip(clusterVariable + " names no PostgreSQL cluster; make temporal-tier starts one")
	}
	u, err := url.Parse(cluster)
	if err != nil || u.User == nil {
		t.Fatalf("%s is no URL with a user", clusterVariable)
	}
	name := "temporal_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	p := localtemporal.PostgreSQL{Address: u.Host, User: u.User.Username(), Database: name, Visibility: name + "_list"}
	p.Password, _ = u.User.Password()
	if socket := u.Query().Get("host"); socket != "" {
		p.Address = socket
	}
	t.Cleanup(func() {
		execute(t, cluster, "drop database if exists "+p.Database+" with (force)")
		execute(t, cluster, "drop database if exists "+p.Visibility+" with (force)")
	})
	return localtemporal.Config{PostgreSQL: &p}
}

// execute executes a statement in the database of an URL.
func execute(t *testing.T, database, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}

func TestHistoriesOnPostgreSQLAreFreeOfTexts(t *testing.T) {
	t.Parallel()
	walkHistories(t, onPostgreSQL(t), false)
}

func TestACaseContinuesWhenServerAndWorkerStartAgainOnTheirDatabases(t *testing.T) {
	t.Parallel()
	walkOverRestart(t, onPostgreSQL(t))
}

func TestDatabasesInUseAndOfAnotherVersionAreRefused(t *testing.T) {
	t.Parallel()
	cfg := onPostgreSQL(t)
	_, stop := serve(t, cfg)
	refused(t, cfg, contracts.Conflict, "in use by another process")
	stop()
	u, err := url.Parse(os.Getenv(clusterVariable))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + cfg.PostgreSQL.Visibility
	execute(t, u.String(), "update schema_version set curr_version = '1.1'")
	refused(t, cfg, contracts.Conflict, "the schema is 1.1, this program needs 1.14")
	refused(t, cfg, contracts.Conflict, "the schema is 1.1") // and not "in use": the refusal gave the databases back
	execute(t, u.String(), "delete from schema_version")
	refused(t, cfg, contracts.Conflict, "the schema is unknown")
}

func refused(t *testing.T, cfg localtemporal.Config, kind contracts.Kind, why string) {
	t.Helper()
	s := localtemporal.New(cfg)
	err := s.Start(t.Context())
	if err == nil || contracts.KindOf(err) != kind || !strings.Contains(err.Error(), why) {
		t.Errorf("Start() = %v, want a refusal of kind %v: %s", err, kind, why)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("Stop() after a refusal = %v", err)
	}
}

func TestAPlaceForTheDataThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	gone := localtemporal.PostgreSQL{Address: "127.0.0.1:1", User: "nobody"}
	refused(t, localtemporal.Config{Dir: t.TempDir(), PostgreSQL: &gone}, contracts.Invalid, "not both")
	refused(t, localtemporal.Config{PostgreSQL: &gone}, contracts.Unavailable, "temporal: ")
	refused(t, localtemporal.Config{PostgreSQL: &localtemporal.PostgreSQL{Address: "nowhere", User: "nobody"}}, contracts.Invalid, "host:port")
	refused(t, localtemporal.Config{PostgreSQL: &localtemporal.PostgreSQL{Address: "127.0.0.1:1", User: "nobody", Database: "one", Visibility: "one"}},
		contracts.Invalid, "different names")
}
