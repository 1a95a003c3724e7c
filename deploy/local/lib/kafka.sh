# shellcheck shell=bash
# Apache Kafka from Maven Central, one node, SCRAM-SHA-256 and access rights. Who holds none may do nothing.

kafka_version=4.4.0
kafka_libs=$cache/kafka-$kafka_version
# Authorities that speak Kafka themselves: each has a user, an inbox and an outbox of its own.
read -ra authorities <<<"${LOCAL_AUTHORITIES:-gewerbeamt-muenchen gewerbeamt-nuernberg}"

kafka_tools() {
	need java openjdk-17-jre-headless
	[[ -f $kafka_libs/complete ]] && return
	need mvn maven
	say "  fetching Apache Kafka $kafka_version from Maven Central"
	mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$kafka_libs" \
		>"$state/log/maven.log" 2>&1 || fail 'cannot fetch Apache Kafka' "log: $state/log/maven.log"
	touch "$kafka_libs/complete"
}

# kafka_java [OPTION…] CLASS … runs a class of the jars; Java itself expands the star.
kafka_java() {
	java -Xmx256M -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$kafka_libs/*" \
		"-Dlog4j2.configurationFile=$repository/adapters/eventlog/kafkalog/testdata/log4j2.xml" "$@"
}

# kafka_client USER writes what a client of that name needs.
kafka_client() {
	(umask 077 && cat >"$state/kafka/$1.properties") <<-E
		bootstrap.servers=127.0.0.1:$(port kafka)
		security.protocol=SASL_PLAINTEXT
		sasl.mechanism=SCRAM-SHA-256
		sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$1" password="$(secret "kafka-$1")";
	E
}

kafka_properties() {
	local scram='org.apache.kafka.common.security.scram.ScramLoginModule required'
	cat <<-E
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$(port kafka-controller)
		controller.listener.names=CONTROLLER
		listeners=SASL://127.0.0.1:$(port kafka),CONTROLLER://127.0.0.1:$(port kafka-controller)
		inter.broker.listener.name=SASL
		listener.security.protocol.map=SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
		sasl.enabled.mechanisms=SCRAM-SHA-256
		sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256
		listener.name.sasl.scram-sha-256.sasl.jaas.config=$scram username="admin" password="$(secret kafka-admin)";
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		super.users=User:admin;User:ANONYMOUS
		log.dirs=$state/kafka/data
		num.partitions=6
		auto.create.topics.enable=false
		group.initial.rebalance.delay.ms=0
		broker.session.timeout.ms=3000
		broker.heartbeat.interval.ms=300
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=4
		log.cleaner.dedupe.buffer.size=4194304
		log.flush.interval.messages=1
	E
}

# kafka_format makes the data and the users. Java reads its arguments from a file, because the list of processes shows
# arguments, and these hold passwords.
kafka_format() {
	local user
	rm -rf "$state/kafka/data" "$state"/kafka/provisioned*
	(
		umask 077
		printf '"%s"\n' -Xmx256M -cp "$kafka_libs/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$state/kafka/server.properties"
		for user in admin efa-broker "${authorities[@]}"; do
			printf '"%s"\n' --add-scram "SCRAM-SHA-256=[name=$user,password=$(secret "kafka-$user")]"
		done
	) >"$state/kafka/format"
	chmod 0600 "$state/kafka/format"
	java "@$state/kafka/format" >>"$state/log/kafka.log" 2>&1 || fail "cannot make Kafka's data" "log: $state/log/kafka.log"
	rm "$state/kafka/format"
}

kafka_start() {
	local user
	for user in admin efa-broker "${authorities[@]}"; do kafka_client "$user"; done
	authority_keys
	(umask 077 && kafka_properties >"$state/kafka/server.properties")
	[[ -f $state/kafka/data/meta.properties ]] || kafka_format
	start kafka "$(port kafka)" java -Xmx256M -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$kafka_libs/*" \
		"-Dlog4j2.configurationFile=$repository/adapters/eventlog/kafkalog/testdata/log4j2.xml" kafka.Kafka "$state/kafka/server.properties"
}

kafka_admin() {
	local class=$1
	shift
	kafka_java "org.apache.kafka.tools.$class" --bootstrap-server "127.0.0.1:$(port kafka)" --command-config "$state/kafka/admin.properties" "$@" \
		>>"$state/log/kafka-provision.log" 2>&1 || fail "cannot set Kafka up: $class $*" "log: $state/log/kafka-provision.log"
}

topic() { kafka_admin TopicCommand --create --if-not-exists --topic "$@"; }
allow() { kafka_admin AclCommand --add --allow-principal "User:$1" "${@:2}"; }

# authority_keys makes the keys with which authorities seal what they write to their outboxes, and the register by which the
# broker knows them.
authority_keys() {
	local authority key public
	need openssl openssl
	for authority in "${authorities[@]}"; do
		key=$state/secrets/seal-$authority.pem
		[[ -s $key ]] || (umask 077 && openssl genpkey -algorithm ED25519 -out "$key") || fail "cannot make the key of $authority"
	done
	(
		umask 077
		echo 'authority,principal,key_id,algorithm,public_key,begins,ends,revoked'
		for authority in "${authorities[@]}"; do
			public=$(openssl pkey -in "$state/secrets/seal-$authority.pem" -pubout -outform DER | base64 -w0)
			echo "$authority,$authority,$authority-1,Ed25519,$public,2026-01-01T00:00:00Z,,"
		done
	) >"$state/kafka/authority-keys.csv"
}

# The broker writes efa.cases and inboxes, and reads efa.cases and outboxes with its own groups; how an outbox is stamped it
# has to see, and it compares the clocks by a topic of its own. An authority reads its inbox with one group and writes its
# outbox; what a sender says of the time does not count there.
kafka_provision() {
	# The port opens only when the broker is usable.
	await kafka open_port "$(port kafka)"
	# The number rises when topics or rights change, so that a site that exists gets them.
	[[ ! -f $state/kafka/provisioned.2 ]] || return 0
	topic efa.cases --partitions 6
	topic efa.clock --partitions 6 --config message.timestamp.type=LogAppendTime --config retention.ms=3600000 --config segment.ms=3600000
	allow efa-broker --operation Read --operation Write --topic efa.cases
	allow efa-broker --operation Write --operation DescribeConfigs --topic efa.clock
	allow efa-broker --operation Read --group efa.starter --group efa.delivery --group efa.ingress
	allow efa-broker --operation Write --resource-pattern-type prefixed --topic efa.inbox.
	allow efa-broker --operation Read --operation DescribeConfigs --resource-pattern-type prefixed --topic efa.outbox.
	local authority
	for authority in "${authorities[@]}"; do
		topic "efa.inbox.$authority" --partitions 1
		topic "efa.outbox.$authority" --partitions 1 --config message.timestamp.type=LogAppendTime --config retention.ms=-1
		allow "$authority" --operation Read --topic "efa.inbox.$authority" --group "efa.inbox.$authority"
		allow "$authority" --operation Write --topic "efa.outbox.$authority"
	done
	touch "$state/kafka/provisioned.2"
	say '  kafka has its topics and access rights'
}
