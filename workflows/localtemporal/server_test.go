package localtemporal

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

// started is a running server that the test stops.
func started(t *testing.T, cfg Config) *Server {
	t.Helper()
	s := New(cfg)
	begin := time.Now()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() { stop(t, s) })
	return s
}

// stop stops a server, also when the test's own context is over.
func stop(t *testing.T, s *Server) {
	t.Helper()
	begin := time.Now()
	if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	t.Logf("stopped in %v", time.Since(begin).Round(time.Millisecond))
}

func TestAFreshServerMakesItsFilesForItsUserOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "temporal")
	s := started(t, Config{Dir: dir})
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v; want mode 0700", info.Mode(), err)
	}
	for _, name := range []string{mainFile, visibilityFile, versionFile, lockFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, info.Mode().Perm())
		}
	}
	host, _, err := net.SplitHostPort(s.HostPort())
	if err != nil || host != "127.0.0.1" {
		t.Errorf("HostPort() = %q, want a loopback address", s.HostPort())
	}
	for _, left := range []string{mainFile + newSuffix, visibilityFile + newSuffix, versionFile + newSuffix} {
		if found, _ := exists(filepath.Join(dir, left)); found {
			t.Errorf("%s was left behind", left)
		}
	}
}

func TestASecondStartOnADirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := started(t, Config{Dir: dir})
	err := New(Config{Dir: dir}).Start(t.Context())
	if err == nil || contracts.KindOf(err) != contracts.Conflict || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("Start() of another server = %v, want a Conflict that says why", err)
	}
	if err := s.Start(t.Context()); contracts.KindOf(err) != contracts.Conflict || err == nil {
		t.Errorf("second Start() of a server = %v, want a Conflict", err)
	}
}

func TestFilesOfAnotherVersionAreRefusedWithBothVersions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		version string
		names   []string
	}{
		"without a stamp":          {"", []string{"unknown", "1.32.1"}},
		"with the stamp of 1.29.1": {"1.29.1\n", []string{"1.29.1", "1.32.1"}},
	}
	for name, c := range cases {
		for _, file := range []string{mainFile, visibilityFile} {
			t.Run(file+" "+name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, dir, file, "a database")
				if c.version != "" {
					write(t, dir, versionFile, c.version)
				}
				s := New(Config{Dir: dir})
				err := s.Start(t.Context())
				if err == nil || contracts.KindOf(err) != contracts.Conflict {
					t.Fatalf("Start() = %v, want a Conflict", err)
				}
				for _, v := range c.names {
					if !strings.Contains(err.Error(), v) {
						t.Errorf("Start() = %v, want it to name %s", err, v)
					}
				}
				if raw, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(raw) != "a database" {
					t.Errorf("%s was touched: %q, %v", file, raw, err)
				}
				if err := s.Stop(t.Context()); err != nil {
					t.Errorf("Stop() after a failed start = %v", err)
				}
				again, err := lockDir(dir)
				if err != nil {
					t.Fatalf("the directory was not given back: %v", err)
				}
				_ = again.Close()
			})
		}
	}
}

func TestAnInterruptedPreparationIsBegunAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, versionFile, "1.29.1\n") // no database yet: the stamp may be replaced
	write(t, dir, mainFile+newSuffix, "half a schema")
	write(t, dir, mainFile+newSuffix+"-journal", "half a journal")
	write(t, dir, visibilityFile+newSuffix, "")
	if err := prepare(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{mainFile, visibilityFile} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasPrefix(string(raw), "SQLite format 3") {
			t.Errorf("%s is no database: %v", name, err)
		}
		if found, _ := exists(filepath.Join(dir, name+newSuffix)); found {
			t.Errorf("%s%s was left behind", name, newSuffix)
		}
	}
	if raw, _ := os.ReadFile(filepath.Join(dir, versionFile)); string(raw) != "1.32.1\n" {
		t.Errorf("version = %q, want that of the server", raw)
	}
	if err := prepare(t.Context(), dir); err != nil {
		t.Errorf("second preparation: %v", err)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAGivenPortThatIsTakenIsUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr, _ := l.Addr().(*net.TCPAddr)
	err = New(Config{Port: addr.Port}).Start(t.Context())
	if err == nil || contracts.KindOf(err) != contracts.Unavailable {
		t.Errorf("Start() = %v, want Unavailable", err)
	}
}

func TestALostRaceForAPortIsRunOnceMore(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, _ := l.Addr().(*net.TCPAddr)
	s := New(Config{})
	choices := 0
	s.choose = func(frontend int) (ports, error) {
		p, err := freePorts(frontend)
		if choices++; choices == 1 {
			p.history = taken.Port
		}
		return p, err
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	if choices != 2 {
		t.Errorf("ports were chosen %d times, want twice", choices)
	}
}

func TestStopMayBeCalledAtAnyTime(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	for range 2 {
		stop(t, s)
	}
	if s.HostPort() != "" {
		t.Errorf("HostPort() = %q before a start", s.HostPort())
	}
	started(t, Config{})
}
