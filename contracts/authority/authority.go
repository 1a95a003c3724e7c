package authority

import (
	"errors"
	"regexp"
	"time"

	"github.com/efa-broker/efa-broker/contracts/key"
)

// ErrID is a text that is no authority id.
var ErrID = errors.New("authority id: want 3 to 63 lower-case letters, digits and hyphens, a letter first")

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{2,62}$`)

// ID identifies an authority, ^[a-z][a-z0-9-]{2,62}$. It is chosen by the operator and never reused.
type ID string

// ParseID checks s. It returns ErrID when s is no authority id.
func ParseID(s string) (ID, error) {
	if idPattern.MatchString(s) {
		return ID(s), nil
	}
	return "", ErrID
}

// Kind is the kind of office in the words of the law that names it as recipient, for example "weights_and_measures".
// The closed list is the kind column of contracts/law/data/recipients.csv, plus "trade_office", "building_authority".
type Kind string

// Role is what an authority does in a process: "lead", "previous", or the recipient role of a law row
// ("chamber_of_commerce"). Roles are declared by the service package.
type Role string

// Roles that every service package knows.
const (
	// Lead is the authority that runs the procedure (federführende Behörde).
	Lead Role = "lead"
	// Previous is the trade office of the district that a business leaves (GewAnzV § 3(2a)).
	Previous Role = "previous"
)

// OperatorID identifies who hosts a broker (Betreiber), for example a Land.
type OperatorID string

// TenantID identifies a controller hosted by an operator (Mandant), for example a municipality.
type TenantID string

// Tenant is a controller, for example a city.
type Tenant struct {
	ID       TenantID   `json:"tenant"`
	Operator OperatorID `json:"operator"`
	// Name is the German name that people read.
	Name string `json:"name"`
}

// Authority is an office of a tenant.
type Authority struct {
	ID       ID         `json:"authority"`
	Operator OperatorID `json:"operator"`
	Tenant   TenantID   `json:"tenant"`
	Kind     Kind       `json:"kind"`
	// Name is the German name that people read.
	Name string `json:"name"`
	// Waived is true when the authority has waived regular transfers (GewO § 14(8) s. 1).
	Waived bool `json:"waived"`
	// Mark says how certain the entry is: "verified", or "unverified" when no source was at hand.
	Mark string `json:"mark"`
	// Region is the prefix for which it is competent; it says where, never who.
	Region key.RegionKey `json:"region"`
	// Roles are the roles in which it is competent there.
	Roles []Role `json:"roles"`
}

// Competence says that an authority answers for a role of a service in a region, from Begins until before Ends.
type Competence struct {
	// Service is a service key or an object key; empty means every service.
	Service   key.ServiceKey
	Region    key.RegionKey
	Role      Role
	Authority ID
	Begins    time.Time
	// Ends is exclusive; zero means no end.
	Ends time.Time
}

// Party is an authority in its role in one case.
type Party struct {
	Role      Role `json:"role"`
	Authority ID   `json:"authority"`
}
