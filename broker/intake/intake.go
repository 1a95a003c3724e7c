package intake

import (
	"context"
	"log/slog"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/content"
	"github.com/efa-broker/efa-broker/contracts/event"
	"github.com/efa-broker/efa-broker/contracts/fact"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/receipt"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Ledger appends events and gives the receipts with which it acknowledged them.
type Ledger interface {
	Append(ctx context.Context, tx *sqlstore.Tx, drafts ...event.Draft) ([]event.Recorded, error)
	Receipt(ctx context.Context, q sqlstore.Querier, caseID string, seq int64) (receipt.Receipt, error)
}

// Services finds the service package under which a case is opened today.
type Services interface {
	Package(k key.ServiceKey) (service.Package, bool)
}

// Competence finds the authorities that answer for roles of a service, each in its region; a role for which there is none is
// missing in the answer.
type Competence interface {
	ResolveAll(ctx context.Context, operator authority.OperatorID, s key.ServiceKey, wanted map[authority.Role]key.RegionKey) (map[authority.Role]authority.Authority, error)
}

// NewCase is what a submission brings into the vault.
type NewCase struct {
	Operator authority.OperatorID
	Tenant   authority.TenantID
	Case     string
	Contents []content.Object
	// Facts are the sensitive ones.
	Facts  fact.Values
	People []service.Subject
}

// SealedCase is a case whose keys are durable and whose content is sealed; what it writes, it writes in the transaction that
// opens the case: contents before the event that commits them, people after it.
type SealedCase interface {
	Refs() []content.Ref
	MAC(data []byte) ([]byte, error)
	WriteContents(ctx context.Context, tx *sqlstore.Tx) error
	WritePeople(ctx context.Context, tx *sqlstore.Tx) error
}

// Vault seals content before its first write.
type Vault interface {
	SealCase(ctx context.Context, c NewCase) (SealedCase, error)
	Store(ctx context.Context, o content.Object) (content.Ref, bool, error)
	MAC(ctx context.Context, tenant authority.TenantID, caseID string, data []byte) ([]byte, error)
	Index(ctx context.Context, operator authority.OperatorID, identifier string) ([]byte, error)
}

// Tasks prepares the completion of a task by a submission of its holder.
type Tasks interface {
	Completable(ctx context.Context, v actor.Viewer, caseID, taskID string) (event.Draft, key.ServiceKey, error)
	// Settle records what has to stand in the ledger before the completion, above all that the task had expired.
	Settle(ctx context.Context, tx *sqlstore.Tx, completion event.Draft) error
}

// Register is the official register of areas.
type Register interface {
	Area(k key.RegionKey) (region.Area, bool)
}

// Config is what intake needs.
type Config struct {
	DB         *sqlstore.DB
	Ledger     Ledger
	Services   Services
	Competence Competence
	Vault      Vault
	Tasks      Tasks
	Register   Register
	Access     standing.Access
	// Room is nil while a new case may be accepted, and Unavailable when too much waits for the engines already.
	Room     func() error
	Operator authority.OperatorID
	Log      *slog.Logger
}

// Intake is the domain.
type Intake struct {
	cfg  Config
	gate standing.Gate
}

// New returns the domain.
func New(cfg Config) *Intake { return &Intake{cfg: cfg, gate: standing.Gate{Access: cfg.Access}} }
