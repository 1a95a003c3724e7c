package competence

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/broker/internal/standing"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Config is what the domain needs; every member is required.
type Config struct {
	DB *sqlstore.DB
	// Access answers whether a viewer may look into the register.
	Access standing.Access
	// Register is the official register of areas.
	Register *region.Register
	// Packages are the services on offer: their roles are those that Seed and the search know.
	Packages []service.Package
}

// Competence is the domain.
type Competence struct {
	cfg   Config
	gate  standing.Gate
	roles roleTable
}

// New returns the domain.
func New(cfg Config) *Competence {
	return &Competence{cfg: cfg, gate: standing.Gate{Access: cfg.Access}, roles: rolesOf(cfg.Packages)}
}

// selectAuthority is the part of a query that scanAuthority reads.
const selectAuthority = `select id, operator, tenant, kind, name, waived, mark, region, roles from authorities `

// Authority returns one authority of any operator. It is NotFound when there is none with this id.
func (c *Competence) Authority(ctx context.Context, id authority.ID) (authority.Authority, error) {
	const op = "find authority"
	a, err := scanAuthority(c.cfg.DB.Read().QueryRowContext(ctx, selectAuthority+`where id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return authority.Authority{}, contracts.Errorf(contracts.NotFound, op, "no authority has this id")
	}
	if err != nil {
		return authority.Authority{}, fmt.Errorf("%s: %w", op, err)
	}
	return a, nil
}

// Authorities lists the authorities of an operator by id.
func (c *Competence) Authorities(ctx context.Context, operator authority.OperatorID) ([]authority.Authority, error) {
	rows, err := c.cfg.DB.Read().QueryContext(ctx, selectAuthority+`where operator = $1 order by id`, operator)
	if err != nil {
		return nil, fmt.Errorf("list authorities: %w", err)
	}
	defer rows.Close()
	out := []authority.Authority{}
	for rows.Next() {
		a, err := scanAuthority(rows)
		if err != nil {
			return nil, fmt.Errorf("list authorities: %w", err)
		}
		out = append(out, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list authorities: %w", err)
	}
	return out, nil
}

func scanAuthority(row interface{ Scan(dest ...any) error }) (authority.Authority, error) {
	var a authority.Authority
	var roles []byte
	if err := row.Scan(&a.ID, &a.Operator, &a.Tenant, &a.Kind, &a.Name, &a.Waived, &a.Mark, &a.Region, &roles); err != nil {
		return authority.Authority{}, err
	}
	if err := json.Unmarshal(roles, &a.Roles); err != nil {
		return authority.Authority{}, fmt.Errorf("roles of authority %s: %w", a.ID, err)
	}
	return a, nil
}

// roleTable says which roles take part in the services of one object ("99050012000000"), in the order of the packages.
type roleTable map[key.ServiceKey][]authority.Role

func rolesOf(packages []service.Package) roleTable {
	out := roleTable{}
	for _, p := range packages {
		object := p.Service.Object()
		for _, role := range p.Roles {
			if !slices.Contains(out[object], role) {
				out[object] = append(out[object], role)
			}
		}
	}
	return out
}

// of lists the roles of a service. A service that is not on offer has a lead all the same: only so is "no route" an
// answer and not a gap.
func (t roleTable) of(k key.ServiceKey) []authority.Role {
	if roles, ok := t[k.Object()]; ok {
		return roles
	}
	return []authority.Role{authority.Lead}
}
