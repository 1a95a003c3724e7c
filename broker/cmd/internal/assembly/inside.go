package assembly

import (
	"github.com/efa-broker/efa-broker/broker/delivery"
	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/ledger"
	"github.com/efa-broker/efa-broker/contracts/service"
	"github.com/efa-broker/efa-broker/workflows/permit"
)

// Inside is what a program that measures needs behind the door: each stage of the way of an event by itself.
type Inside struct {
	DB       *sqlstore.DB
	Ledger   *ledger.Ledger
	Delivery *delivery.Delivery
	// Ports are the effects of a process.
	Ports    permit.Ports
	Packages []service.Package
}

// Inside opens the house. The broker still owns everything.
func (b *Broker) Inside() Inside {
	return Inside{
		DB: b.stores.db, Ledger: b.domains.ledger, Delivery: b.domains.delivery, Ports: b.domains.ports(b.cfg.Tracer), Packages: b.stores.packages,
	}
}
