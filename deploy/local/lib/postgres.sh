# shellcheck shell=bash
# Two PostgreSQL 15 clusters: the ledger's, whose WAL is archived, and another for the key store and Temporal, whose
# WAL is not: an erased key must not live on in an archive (DESIGN decision 6).

postgres_bin=/usr/lib/postgresql/15/bin
as_database=()

# postgres_tools finds the programs; PostgreSQL refuses to run as root, so root lends it the package's user.
postgres_tools() {
	[[ -x $postgres_bin/postgres ]] || fail 'PostgreSQL 15 is missing' 'Debian: apt-get install postgresql-15'
	need psql postgresql-client-15
	if ((EUID == 0)); then
		need setpriv util-linux
		id postgres >/dev/null 2>&1 || fail 'the user postgres is missing' 'it comes with the package postgresql-15'
		as_database=(setpriv --reuid postgres --regid postgres --init-groups)
		"${as_database[@]}" test -x "$state" || fail "the user postgres cannot enter $state" 'set LOCAL_STATE to a directory below one that others may enter'
	fi
}

# postgres_gone NAME waits until nothing is left of a cluster that was killed: its children notice it a moment later, and
# PostgreSQL takes a process that ended and was not collected yet for a running one.
postgres_gone() {
	local pid end=$((SECONDS + patience))
	[[ -s $state/run/$1.pid ]] && ! pid_of "$1" >/dev/null || return 0
	read -r pid _ <"$state/run/$1.pid"
	while [[ -d /proc/$pid ]] || [[ -n $(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$state/$1/data" 2>/dev/null) ]]; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# postgres_start NAME [OPTION…] makes a cluster at its first start.
postgres_start() {
	local name=$1 dir=$state/$1
	shift
	if [[ ! -f $dir/data/PG_VERSION ]]; then
		rm -rf "$dir"
		(umask 077 && mkdir -p "$dir"/{wal,socket})
		secret "$name-postgres" >"$dir/password"
		((EUID != 0)) || chown -R postgres:postgres "$dir"
		"${as_database[@]}" "$postgres_bin/initdb" -D "$dir/new" -U postgres -A scram-sha-256 --pwfile "$dir/password" -E UTF8 --locale C.UTF-8 \
			>>"$state/log/$name.log" 2>&1 || fail "cannot make the cluster $name" "log: $state/log/$name.log"
		rm -f "$dir/password"
		mv "$dir/new" "$dir/data"
	fi
	postgres_gone "$name" || fail "processes of $name do not end" "they work in $dir/data"
	start "$name" "$(port "$name")" "${as_database[@]}" "$postgres_bin/postgres" -D "$dir/data" -p "$(port "$name")" \
		-c listen_addresses=127.0.0.1 -c "unix_socket_directories=$dir/socket" -c max_connections=200 "$@"
}

postgres_start_all() {
	local archive=$state/postgres-ledger/wal
	postgres_start postgres-ledger -c wal_level=replica -c archive_mode=on -c archive_timeout=300 \
		-c "archive_command=test ! -f '$archive/%f' && cp %p '$archive/%f.new' && mv '$archive/%f.new' '$archive/%f'"
	postgres_start postgres-keys -c wal_level=minimal -c max_wal_senders=0 -c archive_mode=off
}

# sql NAME DATABASE … runs psql as the cluster's owner.
sql() {
	local name=$1 database=$2
	shift 2
	PGPASSWORD=$(secret "$name-postgres") psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port "$name")" -U postgres -d "$database" "$@"
}

postgres_ready() { sql "$1" postgres -c 'select 1'; }

# database NAME ROLE DATABASE makes both unless they are there; the role owns the database and nothing else.
database() {
	local password
	password=$(secret "$1-$2")
	sql "$1" postgres <<-SQL
		select format('create role %I login password %L', '$2', '$password')
		where not exists (select from pg_roles where rolname = '$2') \gexec
		select format('create database %I owner %I', '$3', '$2')
		where not exists (select from pg_database where datname = '$3') \gexec
		revoke all on database "$3" from public;
	SQL
}

postgres_provision() {
	await postgres-ledger postgres_ready postgres-ledger
	await postgres-keys postgres_ready postgres-keys
	database postgres-ledger efa efa_ledger
	# The roles in which the broker works; it may not make them itself.
	sql postgres-ledger postgres <<-'SQL'
		select format('create role %I nologin', wanted) from unnest(array['efa_ledger', 'efa_view']) wanted
		where not exists (select from pg_roles where rolname = wanted) \gexec
		select format('grant %I to efa', granted) from unnest(array['efa_ledger', 'efa_view']) granted
		where not pg_has_role('efa', granted, 'member') \gexec
	SQL
	database postgres-keys efa efa_keys
	database postgres-keys temporal temporal
	database postgres-keys temporal temporal_visibility
}
