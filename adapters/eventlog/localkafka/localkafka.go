package localkafka

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/efa-broker/efa-broker/contracts"
)

// Handle is a running broker.
type Handle struct {
	// Addr is the address (host:port) at which clients find the broker.
	Addr string

	logger  *slog.Logger
	stop    sync.Once
	stopped chan struct{} // closed when broker and lock are gone
	cluster *kfake.Cluster
	lock    io.Closer
}

// Start starts a broker on the directory and returns when clients may use it. A directory that another broker uses is
// Conflict.
func Start(ctx context.Context, cfg Config) (*Handle, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	lock, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	cluster, addr, err := startCluster(cfg)
	if err != nil {
		return nil, undo(err, lock)
	}
	h := &Handle{Addr: addr, logger: cfg.Logger, stopped: make(chan struct{}), cluster: cluster, lock: lock}
	debug.FreeOSMemory()
	if err := guardCommits(ctx, addr, cfg.Logger); err != nil {
		h.shutDown()
		return nil, contracts.Errorf(contracts.Unavailable, "start embedded kafka", "%w", err)
	}
	cfg.Logger.InfoContext(ctx, "embedded kafka is ready", "addr", addr, "dir", cfg.Dir, "sync_writes", cfg.SyncWrites)
	return h, nil
}

// Stop stops the broker after its last clients have stopped, and frees the directory. It may be called again. When the
// context ends first, Stop returns its error and the broker goes on stopping.
func (h *Handle) Stop(ctx context.Context) error {
	h.stop.Do(func() { go h.shutDown() })
	select {
	case <-h.stopped:
		return nil
	case <-ctx.Done():
		return contracts.Errorf(contracts.Unavailable, "stop embedded kafka", "%w", ctx.Err())
	}
}

func (h *Handle) shutDown() {
	h.cluster.Close()
	if err := h.lock.Close(); err != nil {
		h.logger.Error("lock of embedded kafka is not released", "error", err)
	}
	close(h.stopped)
}

// prepare makes the directory ready for the broker and returns its lock.
func prepare(ctx context.Context, cfg Config) (io.Closer, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, contracts.Errorf(contracts.Unavailable, "start embedded kafka", "make directory: %w", err)
	}
	if err := os.Chmod(cfg.Dir, 0o700); err != nil { //nolint:gosec // a directory needs x
		return nil, contracts.Errorf(contracts.Unavailable, "start embedded kafka", "close directory to others: %w", err)
	}
	lock, err := acquireLock(cfg.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"groups.log", "pids.log"} {
		cut, err := repair(filepath.Join(cfg.Dir, name))
		if err != nil {
			return nil, undo(fmt.Errorf("repair %s: %w", name, err), lock)
		}
		if cut > 0 {
			cfg.Logger.WarnContext(ctx, "torn tail of a log was cut off", "file", name, "bytes", cut)
		}
	}
	if err := os.Remove(filepath.Join(cfg.Dir, "session_state.json")); err != nil && !os.IsNotExist(err) {
		return nil, undo(fmt.Errorf("forget members of groups: %w", err), lock)
	}
	return lock, nil
}

// undo gives the lock back after a failed step.
func undo(err error, lock io.Closer) error {
	if closeErr := lock.Close(); closeErr != nil {
		err = fmt.Errorf("%w; release lock: %w", err, closeErr)
	}
	return contracts.Errorf(contracts.Unavailable, "start embedded kafka", "%w", err)
}

// never is about a hundred years in milliseconds: kfake's cleaner must not run.
const never = "3153600000000"

func startCluster(cfg Config) (*kfake.Cluster, string, error) {
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("efa-embedded"),
		kfake.DefaultNumPartitions(1),
		kfake.DataDir(cfg.Dir),
		kfake.WithLogger(brokerLogger{cfg.Logger}),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return net.Listen(network, cfg.Addr) //nolint:noctx // kfake's own signature has none
		}),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms":              never,
			"log.retention.ms":                    "-1",
			"log.retention.bytes":                 "-1",
			"offsets.retention.minutes":           strconv.Itoa(1<<31 - 1),
			"offsets.retention.check.interval.ms": never,
			"log.segment.bytes":                   strconv.Itoa(cfg.SegmentBytes),
		}),
	}
	if cfg.SyncWrites {
		opts = append(opts, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, "", err
	}
	return cluster, cluster.ListenAddrs()[0], nil
}
