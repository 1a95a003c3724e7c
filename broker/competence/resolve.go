package competence

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Resolve finds the one authority of operator that answers for role of a service in a region now. It returns
// NotCompetent when none does ("no route"), and Internal when the register names two.
func (c *Competence) Resolve(ctx context.Context, operator authority.OperatorID, s key.ServiceKey, r key.RegionKey, role authority.Role) (authority.Authority, error) {
	found, err := c.ResolveAll(ctx, operator, s, map[authority.Role]key.RegionKey{role: r})
	if err != nil {
		return authority.Authority{}, err
	}
	a, ok := found[role]
	if !ok {
		return a, contracts.Errorf(contracts.NotCompetent, resolving, "no route: no authority answers for role %s of service %s there", role, s)
	}
	return a, nil
}

const resolving = "resolve competence"

// ResolveAll finds the authorities of operator that answer for several roles of a service now, each in the region in which
// it is wanted. A role for which there is none is missing in the result; it is Internal when the register names two.
func (c *Competence) ResolveAll(ctx context.Context, operator authority.OperatorID, s key.ServiceKey, wanted map[authority.Role]key.RegionKey) (map[authority.Role]authority.Authority, error) {
	roles := slices.Sorted(maps.Keys(wanted))
	regions := slices.Compact(slices.Sorted(maps.Values(wanted)))
	found, err := c.candidates(ctx, operator, regions, roles)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resolving, err)
	}
	out := map[authority.Role]authority.Authority{}
	for _, role := range roles {
		match := mostSpecific(found[role], s, wanted[role])
		if len(match) > 1 {
			return nil, contracts.Errorf(contracts.Internal, resolving, "the register names %d authorities for role %s of service %s in region %s",
				len(match), role, s, match[0].Region)
		}
		if len(match) == 1 {
			out[role] = match[0].holder
		}
	}
	return out, nil
}

// candidate is a competence with the authority that has it.
type candidate struct {
	authority.Competence
	holder authority.Authority
}

// mostSpecific picks the competences of the first pair of service and region that has any.
func mostSpecific(found []candidate, s key.ServiceKey, r key.RegionKey) []candidate {
	const everyService key.ServiceKey = ""
	for _, k := range []key.ServiceKey{s, s.Object(), everyService} {
		for _, at := range r.Ancestors() {
			var match []candidate
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

// candidates lists by role the competences that are active now in the regions or above them, whatever their service. Roles
// and regions are named one by one, so that the database finds the rows by its key however many authorities there are.
func (c *Competence) candidates(ctx context.Context, operator authority.OperatorID, regions []key.RegionKey, roles []authority.Role) (map[authority.Role][]candidate, error) {
	args := []any{operator}
	named := func(value any) string {
		args = append(args, value)
		return "$" + strconv.Itoa(len(args))
	}
	var at, as []string
	seen := map[key.RegionKey]bool{}
	for _, r := range regions {
		for _, above := range r.Ancestors() {
			if !seen[above] {
				seen[above] = true
				at = append(at, named(above))
			}
		}
	}
	for _, role := range roles {
		as = append(as, named(role))
	}
	if len(at) == 0 || len(as) == 0 {
		return map[authority.Role][]candidate{}, nil
	}
	rows, err := c.cfg.DB.Read().QueryContext(ctx, `select c.service, c.region, c.role, c.begins, c.ends,
		a.id, a.operator, a.tenant, a.kind, a.name, a.waived, a.mark, a.region, a.roles
		from competences c join authorities a on a.id = c.authority
		where c.operator = $1 and c.region in (`+strings.Join(at, ", ")+`) and c.role in (`+strings.Join(as, ", ")+`) order by c.authority`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	now := c.cfg.DB.Now()
	out := map[authority.Role][]candidate{}
	for rows.Next() {
		x, err := scanCandidate(rows)
		if err != nil {
			return nil, err
		}
		if active(x.Competence, now) {
			out[x.Role] = append(out[x.Role], x)
		}
	}
	return out, rows.Err()
}

func scanCandidate(rows *sql.Rows) (candidate, error) {
	var x candidate
	var ends sql.NullTime
	holder, err := scanAuthority(behind{rows, []any{&x.Service, &x.Region, &x.Role, &x.Begins, &ends}})
	if err != nil {
		return x, err
	}
	x.holder, x.Authority, x.Ends = holder, holder.ID, ends.Time
	return x, nil
}

// behind scans a row whose first columns go elsewhere.
type behind struct {
	rows  *sql.Rows
	first []any
}

// Scan scans the columns behind the first ones into dest.
func (b behind) Scan(dest ...any) error { return b.rows.Scan(append(b.first, dest...)...) }

// active reports whether now is from Begins until before Ends.
func active(c authority.Competence, now time.Time) bool {
	return !now.Before(c.Begins) && (c.Ends.IsZero() || now.Before(c.Ends))
}

// lead reports whether a lead authority is among the competences: without one there is no route.
func lead(competences []Assignment) bool {
	return slices.ContainsFunc(competences, func(a Assignment) bool { return a.Role == authority.Lead })
}
