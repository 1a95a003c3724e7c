package report

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/broker/cmd/internal/bench/measure"
)

// Machine is where a run took place.
type Machine struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// Cores are those that Go may use.
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	// Revision is the commit of which the program was built; "" when the build does not tell.
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	// Load is the load average over a minute when the run began; 0 where the system does not tell.
	Load float64 `json:"load"`
	// Fsync is how long a write of 4 KiB took to reach the disk of the scratch directory, in milliseconds.
	Fsync measure.Spread `json:"fsync_ms"`
}

// Inspect describes this machine and the disk below dir.
func Inspect(dir string) (Machine, error) {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), Load: load()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				m.Revision = s.Value
			case "vcs.modified":
				m.Modified = s.Value == "true"
			}
		}
	}
	var err error
	m.Fsync, err = probe(dir)
	return m, err
}

func load() float64 {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0 // the system does not tell
	}
	first, _, _ := strings.Cut(string(raw), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

// probes are as many writes as tell the disk from the cache.
const probes = 50

func probe(dir string) (_ measure.Spread, err error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return measure.Spread{}, fmt.Errorf("probe the disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 4<<10)
	var took []float64
	for range probes {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return measure.Spread{}, fmt.Errorf("probe the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return measure.Spread{}, fmt.Errorf("probe the disk: %w", err)
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
	}
	return measure.SpreadOf(took), nil
}
