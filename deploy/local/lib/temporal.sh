# shellcheck shell=bash
# A Temporal server on PostgreSQL in two processes: history, which owns the workflows, and the other three services. It
# authenticates nobody, so it listens on 127.0.0.1 only.

temporal_version=v1.32.1
temporal_server=$cache/bin/temporal-server-$temporal_version
temporal_sql=$cache/bin/temporal-sql-tool-$temporal_version
temporal_namespace=efa

temporal_tools() {
	need curl curl
	[[ -x $temporal_server && -x $temporal_sql ]] && return
	need go 'golang, in the version that go.mod names'
	say "  building Temporal $temporal_version, which takes minutes"
	temporal_build >"$state/log/temporal-build.log" 2>&1 || fail 'cannot build Temporal' "log: $state/log/temporal-build.log"
	mv "$cache/bin/new/server" "$temporal_server"
	mv "$cache/bin/new/sql" "$temporal_sql"
	rm -rf "$cache/bin/new"
}

# temporal_build builds it with the dependencies of this module, so that what its tests have compiled is not compiled
# again. The list of modules grows in a copy: the command line of Temporal is none of the broker's dependencies.
temporal_build() (
	set -e
	local programs=(go.temporal.io/server/cmd/server go.temporal.io/server/cmd/tools/sql)
	mkdir -p "$cache/bin/new"
	cp "$repository/go.mod" "$cache/bin/new/modules.mod"
	cp "$repository/go.sum" "$cache/bin/new/modules.sum"
	cd "$repository"
	export GOFLAGS=-modfile=$cache/bin/new/modules.mod
	go get "${programs[@]/%/@$temporal_version}"
	go build -o "$cache/bin/new/" "${programs[@]}"
)

# temporal_schema DATABASE SCHEMA brings a database to this version's schema.
temporal_schema() {
	local -x SQL_PASSWORD
	SQL_PASSWORD=$(secret postgres-keys-temporal)
	local tool=("$temporal_sql" --plugin postgres12_pgx --ep 127.0.0.1 -p "$(port postgres-keys)" -u temporal --db "$1")
	local known
	known=$(sql postgres-keys "$1" -c "select to_regclass('public.schema_version') is not null")
	if [[ $known != t ]]; then
		"${tool[@]}" setup-schema -v 0.0 >>"$state/log/temporal-schema.log" 2>&1 || fail "cannot set up the schema of $1" "log: $state/log/temporal-schema.log"
	fi
	"${tool[@]}" update-schema -s "postgresql/v12/$2" >>"$state/log/temporal-schema.log" 2>&1 || fail "cannot update the schema of $1" "log: $state/log/temporal-schema.log"
}

temporal_start() {
	local base
	base=$(port temporal)
	temporal_schema temporal temporal
	temporal_schema temporal_visibility visibility
	printf 'system.namespaceCacheRefreshInterval:\n  - value: 1s\n' >"$state/temporal/dynamic.yaml"
	local -x POSTGRES_PWD
	POSTGRES_PWD=$(secret postgres-keys-temporal)
	local service=(env DB=postgres12_pgx POSTGRES_SEEDS=127.0.0.1 "DB_PORT=$(port postgres-keys)" \
		POSTGRES_USER=temporal DBNAME=temporal VISIBILITY_DBNAME=temporal_visibility \
		NUM_HISTORY_SHARDS=16 BIND_ON_IP=127.0.0.1 TEMPORAL_BROADCAST_ADDRESS=127.0.0.1 LOG_LEVEL=error \
		"DYNAMIC_CONFIG_FILE_PATH=$state/temporal/dynamic.yaml" \
		"FRONTEND_GRPC_PORT=$base" "FRONTEND_HTTP_PORT=$(port temporal-http)" "FRONTEND_MEMBERSHIP_PORT=$((base + 2))" \
		"HISTORY_GRPC_PORT=$(port temporal-history)" "HISTORY_MEMBERSHIP_PORT=$((base + 4))" \
		"MATCHING_GRPC_PORT=$((base + 5))" "MATCHING_MEMBERSHIP_PORT=$((base + 6))" \
		"WORKER_GRPC_PORT=$((base + 7))" "WORKER_MEMBERSHIP_PORT=$((base + 8))" \
		"$temporal_server" --allow-no-auth start)
	start temporal-history "$(port temporal-history)" "${service[@]}" --service history
	# Whoever starts first writes what the cluster is; two at once end at each other's row.
	await temporal-history open_port "$(port temporal-history)"
	start temporal "$base" "${service[@]}" --service frontend --service matching --service worker
}

temporal_api() { curl -fsS -m 5 -H 'Content-Type: application/json' "http://127.0.0.1:$(port temporal-http)/cluster/namespaces$1" "${@:2}"; }

temporal_knows() { temporal_api "/$temporal_namespace"; }

# temporal_register asks for the namespace; that it is there already is as good.
temporal_register() {
	temporal_knows || temporal_api '' -d "{\"namespace\":\"$temporal_namespace\",\"workflowExecutionRetentionPeriod\":\"7776000s\"}"
	temporal_knows
}

temporal_provision() { await temporal temporal_register; }
