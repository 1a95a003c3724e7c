//go:build !faults

package assembly

import "github.com/efa-broker/efa-broker/adapters/eventlog"

// publishEarly does nothing in this build; see package fault.
func (b *Broker) publishEarly(eventlog.Events) {}
