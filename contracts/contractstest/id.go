package contractstest

import (
	"fmt"
	"sync/atomic"
)

// IDs is a sequence of ids in the form of a UUID: the same in every run, so that goldens may hold them. The zero value
// is ready; it is safe for concurrent use.
type IDs struct{ n atomic.Uint64 }

// Next is the next id: 00000000-0000-4000-8000-000000000001 first.
func (s *IDs) Next() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", s.n.Add(1)) }
