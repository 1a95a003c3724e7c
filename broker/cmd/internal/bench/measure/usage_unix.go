//go:build unix

package measure

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// CPU is the CPU time that this process has used, in user and system mode together.
func CPU() (time.Duration, error) {
	u, err := usage()
	if err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// PeakRSS is the most memory that this process ever had resident, in bytes.
func PeakRSS() (int64, error) {
	u, err := usage()
	if err != nil {
		return 0, err
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss, nil
	}
	return u.Maxrss << 10, nil
}

// RSS is the memory that this process has resident now, in bytes. Where the system has no /proc it is the peak.
func RSS() (int64, error) {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return PeakRSS()
	}
	fields := bytes.Fields(raw)
	if len(fields) < 2 {
		return 0, fmt.Errorf("read /proc/self/statm: %d fields", len(fields))
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

func usage() (syscall.Rusage, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return u, fmt.Errorf("read process accounting: %w", err)
	}
	return u, nil
}
