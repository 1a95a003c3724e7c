# shellcheck shell=bash
# What all scripts of deploy/local share: where the state lies, ports, secrets, and starting, probing and stopping
# processes. Sourced, never run.
#
#   LOCAL_STATE      directory of everything that is made here (default: data/local in the repository)
#   LOCAL_CACHE      Kafka's jars and Temporal's binaries, kept by `down --delete` (default: LOCAL_STATE/cache)
#   LOCAL_PORT_BASE  first of 30 consecutive ports (default: the first free block from 21000 on; kept in LOCAL_STATE/ports)
#   LOCAL_BIN        directory with standalone and efabroker (default: built from this tree into LOCAL_STATE/bin)
#   LOCAL_OPERATOR   operator that hosts the cases, set once (default: bayern)
#   LOCAL_AUTHORITIES  authorities with a user, an inbox and an outbox at Kafka (default: the two trade offices)
#   LOCAL_PATIENCE   seconds for which a start or a stop is waited for (default: 90)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
repository=$(cd "$here/../.." && pwd)
state=$(realpath -m "${LOCAL_STATE:-$repository/data/local}")
cache=$(realpath -m "${LOCAL_CACHE:-$state/cache}")
# shellcheck disable=SC2034 # up and the libraries that it sources read it
bin=$(realpath -m "${LOCAL_BIN:-$state/bin}")
# shellcheck disable=SC2034
operator=${LOCAL_OPERATOR:-bayern}
patience=${LOCAL_PATIENCE:-90}
ports_in_block=30
# The order of the start; stopped in reverse. The worker listens nowhere.
# shellcheck disable=SC2034 # down and status read it
processes=(postgres-ledger postgres-keys kafka temporal-history temporal openid worker broker-1 broker-2)

say() { printf '%s\n' "$*"; }

fail() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	shift
	(($# == 0)) || printf '  %s\n' "$@" >&2
	exit 1
}

# need COMMAND PACKAGE: a program that has to be installed.
need() { command -v "$1" >/dev/null || fail "$1 is missing" "Debian: apt-get install $2"; }

# open_port PORT succeeds when somebody listens there.
open_port() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port NAME is the port of a part, by its place in the block.
port() {
	local base
	base=$(<"$state/ports")
	case $1 in
	kafka) echo $((base)) ;;
	kafka-controller) echo $((base + 1)) ;;
	postgres-ledger) echo $((base + 2)) ;;
	postgres-keys) echo $((base + 3)) ;;
	openid) echo $((base + 4)) ;;
	broker-1) echo $((base + 5)) ;;
	broker-2) echo $((base + 6)) ;;
	temporal) echo $((base + 10)) ;;
	temporal-http) echo $((base + 11)) ;;
	temporal-history) echo $((base + 13)) ;;
	*) fail "no part is called $1" ;;
	esac
}

block_is_free() {
	local n
	for ((n = $1; n < $1 + ports_in_block; n++)); do
		if open_port "$n"; then
			taken=$n
			return 1
		fi
	done
}

# choose_ports keeps the block of an earlier start: addresses stand in Kafka's data and in tokens.
choose_ports() {
	[[ ! -s $state/ports ]] || return 0
	local base=${LOCAL_PORT_BASE:-} taken=
	if [[ -n $base ]]; then
		block_is_free "$base" || fail "port $taken is in use" "stop what listens there, or set LOCAL_PORT_BASE to another block of $ports_in_block ports"
	else
		for ((base = 21000; ; base += 50)); do
			((base < 32000)) || fail 'no free block of ports between 21000 and 32000' 'set LOCAL_PORT_BASE'
			block_is_free "$base" && break
		done
	fi
	echo "$base" >"$state/ports"
}

# secret NAME prints a password, made at the first use.
secret() {
	local file=$state/secrets/$1
	[[ -s $file ]] || (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$file")
	cat "$file"
}

# started_at PID is when a process began, so that a number that was given to another is not taken for it.
started_at() {
	local line
	line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	line=${line##*) }
	read -ra fields <<<"$line"
	[[ ${fields[0]} != Z ]] || return 1
	echo "${fields[19]}"
}

# pid_of NAME prints the process of a part when it runs.
pid_of() {
	local pid began
	[[ -s $state/run/$1.pid ]] || return 1
	read -r pid began <"$state/run/$1.pid"
	[[ $(started_at "$pid") == "$began" ]] || return 1
	echo "$pid"
}

# start NAME PORT COMMAND… runs a part in the background unless it runs. PORT is empty for one that listens nowhere.
start() {
	local name=$1 listens=$2 pid
	shift 2
	! pid_of "$name" >/dev/null || return 0
	[[ -z $listens ]] || ! open_port "$listens" || fail "$name cannot start: port $listens is in use" "stop what listens there, or delete $state and set LOCAL_PORT_BASE"
	printf '\n--- started %s\n' "$(date -Is)" >>"$state/log/$name.log"
	setsid "$@" >>"$state/log/$name.log" 2>&1 </dev/null 9>&- &
	pid=$!
	echo "$pid $(started_at "$pid" || echo gone)" >"$state/run/$name.pid"
}

# await NAME PROBE… waits until the probe succeeds, for as long as the part lives.
await() {
	local name=$1 end=$((SECONDS + patience))
	shift
	until "$@" >/dev/null 2>&1; do
		pid_of "$name" >/dev/null || give_up "$name" 'ended'
		((SECONDS < end)) || give_up "$name" "is not ready after $patience s"
		sleep 0.1
	done
	say "  $name is ready"
}

give_up() {
	tail -n 20 "$state/log/$1.log" >&2
	fail "$1 $2" "log: $state/log/$1.log" "afterwards: deploy/local/down"
}

# stop NAME SIGNAL ends a part, and kills it when it does not end in time.
stop() {
	local pid end=$((SECONDS + patience))
	if pid=$(pid_of "$1"); then
		kill -s "$2" "$pid" 2>/dev/null || true
		while pid_of "$1" >/dev/null; do
			if ((SECONDS >= end)); then
				say "  $1 does not stop, it is killed"
				kill -s KILL "$pid" 2>/dev/null || true
				end=$((SECONDS + patience))
			fi
			sleep 0.1
		done
		say "  $1 stopped"
	fi
	rm -f "$state/run/$1.pid"
}

# lock lets one script at a time work on the state. What a killed one had begun holds the lock until it ends.
lock() {
	exec 9>"$state/lock"
	flock -w "$patience" 9 || fail "another script works on $state" 'wait until it has ended'
}

# prepare makes the directories. Others may pass through the first, which the database's user has to, and look nowhere.
prepare() {
	mkdir -p "$state" "$cache"
	chmod 0711 "$state"
	lock
	(umask 077 && mkdir -p "$state"/{secrets,run,log,kafka,temporal,openid,broker,client,bin})
}
