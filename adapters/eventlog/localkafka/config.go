package localkafka

import (
	"errors"
	"log/slog"
	"net"
	"strconv"

	"github.com/efa-broker/efa-broker/contracts"
)

// Config says where the broker lies. Dir is the only field that must be set.
type Config struct {
	// Dir is the data directory. It is made when it is missing and closed to other users; one broker at a time uses it.
	Dir string
	// Addr is the loopback address (host:port) to listen on; port 0 takes a free one. Defaults to "127.0.0.1:0".
	Addr string
	// SyncWrites writes every batch and every commit through to the disk before it is acknowledged. Turn it on where the
	// power may fail: it costs about 3 ms for each. Defaults to false.
	SyncWrites bool
	// SegmentBytes is the size at which the broker begins a new file of a partition. Defaults to 16 MiB.
	SegmentBytes int
	// Logger hears of repairs and of the broker's own troubles. Defaults to discarding.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 16 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports every fault of the configuration at once, as Invalid.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	if c.Dir == "" {
		faults = append(faults, errors.New("dir: a directory is needed"))
	}
	if !isLoopback(c.Addr) {
		faults = append(faults, errors.New("addr: must be a loopback IP address and a port, such as 127.0.0.1:9092; the embedded broker has no authentication"))
	}
	if c.SegmentBytes < 1<<20 || c.SegmentBytes > 1<<30 {
		faults = append(faults, errors.New("segment_bytes: must be between 1 MiB and 1 GiB"))
	}
	if len(faults) > 0 {
		return contracts.Errorf(contracts.Invalid, "configure embedded kafka", "%w", errors.Join(faults...))
	}
	return nil
}

func isLoopback(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
