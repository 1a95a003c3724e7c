# shellcheck shell=bash
# Two lean brokers and a worker over the engines. They share one directory with receipt key, tenant keys and the journal
# of erasures, as replicas do.

# broker_can COMMAND asks the program whether it has that command.
broker_can() { "$bin/efabroker" "$1" --help >/dev/null 2>&1; }

# broker_secrets writes the URLs of the databases as files, because the list of processes shows variables.
broker_secrets() {
	(
		umask 077
		printf 'postgres://efa:%s@127.0.0.1:%s/efa_ledger?sslmode=disable' "$(secret postgres-ledger-efa)" "$(port postgres-ledger)" >"$state/secrets/ledger-url"
		printf 'postgres://efa:%s@127.0.0.1:%s/efa_keys?sslmode=disable' "$(secret postgres-keys-efa)" "$(port postgres-keys)" >"$state/secrets/keystore-url"
	)
}

# broker_command LISTEN COMMAND… prints a command with the settings of the broker, an argument a line.
broker_command() {
	printf '%s\n' env -i "PATH=$PATH" "EFA_OPERATOR=$operator" "EFA_DATA=$state/broker" "EFA_LISTEN=$1" \
		"EFA_LEDGER_URL_FILE=$state/secrets/ledger-url" "EFA_KEYSTORE_URL_FILE=$state/secrets/keystore-url" \
		"EFA_KAFKA_BROKERS=127.0.0.1:$(port kafka)" EFA_KAFKA_MECHANISM=SCRAM-SHA-256 \
		EFA_KAFKA_USERNAME=efa-broker "EFA_KAFKA_PASSWORD_FILE=$state/secrets/kafka-efa-broker" \
		"EFA_TEMPORAL_ADDRESS=127.0.0.1:$(port temporal)" "EFA_TEMPORAL_NAMESPACE=$temporal_namespace" \
		"EFA_OPENID_ISSUER=$(openid_issuer)" "EFA_OPENID_JWKS=$(openid_issuer)/jwks" \
		"EFA_PRINCIPALS=$state/openid/principals.json" "EFA_AUTHORITY_KEYS=$state/kafka/authority-keys.csv" EFA_LOG_FORMAT=json "$bin/efabroker" "${@:2}"
}

# broker_start COMMAND NAME [PORT]
broker_start() {
	local command
	mapfile -t command < <(broker_command "127.0.0.1:${3:-0}" "$1")
	start "$2" "${3:-}" "${command[@]}"
}

# broker_run COMMAND… runs a command that ends by itself.
broker_run() {
	local command
	mapfile -t command < <(broker_command 127.0.0.1:0 "$@")
	"${command[@]}"
}

broker_migrate() {
	broker_run migrate >>"$state/log/migrate.log" 2>&1 || fail 'cannot migrate the databases of the broker' "log: $state/log/migrate.log"
}

broker_ready() { curl -fsS -m 5 "http://127.0.0.1:$(port "$1")/readyz"; }

# worker_ready looks for the line that the present process wrote when it was ready.
worker_ready() { awk '/^--- started /{ready=0} /^ready /{ready=1} END{exit !ready}' "$state/log/worker.log"; }

broker_start_all() {
	broker_secrets
	broker_migrate
	broker_start worker worker
	broker_start serve broker-1 "$(port broker-1)"
	broker_start serve broker-2 "$(port broker-2)"
	await worker worker_ready
	await broker-1 broker_ready broker-1
	await broker-2 broker_ready broker-2
}

# client_settings writes what efabroker needs to speak to the first broker: source it. What back offices obtained and how
# far they have read stands beside the ledger that it belongs to.
client_settings() {
	(umask 077 && cat >"$state/env") <<-E
		export EFA_SERVER=http://127.0.0.1:$(port broker-1)
		export EFA_ISSUER=$(openid_issuer)
		export EFA_CLIENTS=$state/openid/clients
		export EFA_CLIENT=operator-$operator
		export EFA_PORTAL=portal-$operator
		export EFA_DATA=$state/client
	E
}
