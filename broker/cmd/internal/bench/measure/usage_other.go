//go:build !unix

package measure

import (
	"errors"
	"time"
)

var errNoAccounting = errors.New("this system has no process accounting that the benchmark can read")

// CPU is not known here.
func CPU() (time.Duration, error) { return 0, errNoAccounting }

// PeakRSS is not known here.
func PeakRSS() (int64, error) { return 0, errNoAccounting }

// RSS is not known here.
func RSS() (int64, error) { return 0, errNoAccounting }
