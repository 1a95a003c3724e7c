package competence

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Resolve finds the one authority of operator that answers for role of a service in a region now. It returns
// NotCompetent when none does ("no route"), and Internal when the register names two.
func (c *Competence) Resolve(ctx context.Context, operator authority.OperatorID, s key.ServiceKey, r key.RegionKey, role authority.Role) (authority.Authority, error) {
	const op = "resolve competence"
	found, err := c.candidates(ctx, operator, r, role)
	if err != nil {
		return authority.Authority{}, fmt.Errorf("%s: %w", op, err)
	}
	match := mostSpecific(found, s, r)
	switch len(match) {
	case 0:
		return authority.Authority{}, contracts.Errorf(contracts.NotCompetent, op, "no route: no authority answers for role %s of service %s there", role, s)
	case 1:
		return c.Authority(ctx, match[0].Authority)
	}
	return authority.Authority{}, contracts.Errorf(contracts.Internal, op, "the register names %d authorities for role %s of service %s in region %s", len(match), role, s, match[0].Region)
}

// mostSpecific picks the competences of the first pair of service and region that has any.
func mostSpecific(found []authority.Competence, s key.ServiceKey, r key.RegionKey) []authority.Competence {
	const everyService key.ServiceKey = ""
	for _, k := range []key.ServiceKey{s, s.Object(), everyService} {
		for _, at := range r.Ancestors() {
			var match []authority.Competence
			for _, c := range found {
				if c.Service == k && c.Region == at {
					match = append(match, c)
				}
			}
			if len(match) > 0 {
				return match
			}
		}
	}
	return nil
}

// levels is the number of regions from a 12-digit key up to the federation.
const levels = 6

// candidates lists the competences for role that are active now in a region or above it, whatever their service.
func (c *Competence) candidates(ctx context.Context, operator authority.OperatorID, r key.RegionKey, role authority.Role) ([]authority.Competence, error) {
	at := r.Ancestors()
	if len(at) > levels {
		at = at[:levels]
	}
	for len(at) < levels {
		at = append(at, at[len(at)-1])
	}
	rows, err := c.cfg.DB.Read().QueryContext(ctx, `select service, region, role, authority, begins, ends from competences
		where operator = $1 and role = $2 and region in ($3, $4, $5, $6, $7, $8) order by authority`,
		operator, role, at[0], at[1], at[2], at[3], at[4], at[5])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	now := c.cfg.DB.Now()
	var out []authority.Competence
	for rows.Next() {
		x, err := scanCompetence(rows)
		if err != nil {
			return nil, err
		}
		if active(x, now) {
			out = append(out, x)
		}
	}
	return out, rows.Err()
}

func scanCompetence(rows *sql.Rows) (authority.Competence, error) {
	var x authority.Competence
	var ends sql.NullTime
	if err := rows.Scan(&x.Service, &x.Region, &x.Role, &x.Authority, &x.Begins, &ends); err != nil {
		return x, err
	}
	x.Ends = ends.Time
	return x, nil
}

// active reports whether now is from Begins until before Ends.
func active(c authority.Competence, now time.Time) bool {
	return !now.Before(c.Begins) && (c.Ends.IsZero() || now.Before(c.Ends))
}

// lead reports whether a lead authority is among the competences: without one there is no route.
func lead(competences []Assignment) bool {
	return slices.ContainsFunc(competences, func(a Assignment) bool { return a.Role == authority.Lead })
}
