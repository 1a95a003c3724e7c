package memlog_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
	"github.com/efa-broker/efa-broker/adapters/eventlog/eventlogtest"
	"github.com/efa-broker/efa-broker/adapters/eventlog/memlog"
)

func TestMemlogKeepsTheContract(t *testing.T) {
	t.Parallel()
	eventlogtest.Run(t, func(*testing.T) eventlog.Log { return memlog.New(memlog.Config{MaxBatch: 7}) }, eventlogtest.Features{Stamps: true})
}
