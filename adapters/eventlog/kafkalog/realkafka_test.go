package kafkalog_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realKafka is Apache Kafka in a process of its own: one node, broker and controller, with SASL on one listener and
// none on another.
type realKafka struct {
	Addr string
	// SASLAddr asks for SCRAM-SHA-256 as user "admin".
	SASLAddr string
	dir      string
	process  *exec.Cmd
	ended    chan struct{}
}

const (
	saslUser     = "admin"
	saslPassword = "admin-secret"
)

// startRealKafka skips the test without KAFKA_LIBS, the folder that testdata/pom.xml fills.
func startRealKafka(t *testing.T) *realKafka {
	t.Helper()
	if os.Getenv("KAFKA_LIBS") == "" {
		t.Skip("KAFKA_LIBS names no folder with Apache Kafka; see testdata/pom.xml")
	}
	k := &realKafka{dir: t.TempDir()}
	ports := freePorts(t, 3)
	k.Addr, k.SASLAddr = ports[0], ports[1]
	config := filepath.Join(k.dir, "server.properties")
	if err := os.WriteFile(config, []byte(k.properties(ports[2])), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", config,
		"--add-scram", fmt.Sprintf("SCRAM-SHA-256=[name=%s,password=%s]", saslUser, saslPassword)).CombinedOutput()
	if err != nil {
		t.Fatalf("format: %v\n%s", err, out)
	}
	k.run(t)
	t.Cleanup(k.stop)
	return k
}

func (k *realKafka) properties(controller string) string {
	text := strings.NewReplacer("{open}", k.Addr, "{sasl}", k.SASLAddr, "{ctl}", controller, "{dir}", k.dir).Replace(`
		process.roles=broker,controller node.id=1 controller.quorum.voters=1@{ctl} controller.listener.names=CONTROLLER
		listeners=PLAINTEXT://{open},SASL://{sasl},CONTROLLER://{ctl} inter.broker.listener.name=PLAINTEXT
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
		sasl.enabled.mechanisms=SCRAM-SHA-256
		log.dirs={dir}/data auto.create.topics.enable=false group.initial.rebalance.delay.ms=0
		broker.session.timeout.ms=3000 broker.heartbeat.interval.ms=300
		offsets.topic.replication.factor=1 offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1 transaction.state.log.min.isr=1 transaction.state.log.num.partitions=4
		log.cleaner.dedupe.buffer.size=4194304`)
	return strings.Join(strings.Fields(text), "\n") +
		"\nlistener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
}

// run starts the broker over the same data and waits until its port is open, which it is only when it works.
func (k *realKafka) run(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(k.dir, "broker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	k.process = java("-Dlog4j2.configurationFile=testdata/log4j2.xml", "kafka.Kafka", filepath.Join(k.dir, "server.properties"))
	k.process.Stdout, k.process.Stderr = log, log
	if err := k.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	k.ended = ended
	process := k.process
	go func() { _ = process.Wait(); close(ended) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		conn, err := net.Dial("tcp", k.Addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
			continue
		case <-ended:
		case <-late:
		}
		out, _ := os.ReadFile(log.Name())
		t.Fatalf("broker is not ready: %v\n%s", err, out)
	}
}

func (k *realKafka) kill() {
	_ = k.process.Process.Kill()
	<-k.ended
}

func (k *realKafka) stop() {
	_ = k.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-k.ended:
	case <-time.After(10 * time.Second):
		k.kill()
	}
}

// java runs a class of KAFKA_LIBS; the JVM expands the star. The settings halve time and memory of the start.
func java(args ...string) *exec.Cmd {
	c := exec.Command("java", append([]string{
		"-Xmx256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", os.Getenv("KAFKA_LIBS") + "/*",
	}, args...)...)
	c.SysProcAttr = endWithParent()
	return c
}

func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}
