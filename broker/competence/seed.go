package competence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/data"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Seed writes the embedded register of tenants and authorities as rows of operator, in one transaction; a second run
// changes nothing. An authority of the files is competent, from the day from which a package applies, for the object of
// every service on offer that has one of its roles for its kind; a competence of such an authority that the files no
// longer name ends now. Authorities that the files do not name stay as they are. It returns Conflict when an id
// belongs to another operator.
func (c *Competence) Seed(ctx context.Context, operator authority.OperatorID) error {
	return c.seed(ctx, data.Files, operator)
}

func (c *Competence) seed(ctx context.Context, files fs.FS, operator authority.OperatorID) error {
	r, err := c.readRegister(files, operator)
	if err != nil {
		return contracts.Errorf(contracts.Invalid, "seed authorities", "%w", err)
	}
	competences := c.competencesOf(r.authorities)
	if err := unambiguous(competences); err != nil {
		return contracts.Errorf(contracts.Invalid, "seed authorities", "%w", err)
	}
	err = c.cfg.DB.Write(ctx, func(tx *sqlstore.Tx) error {
		for _, t := range r.tenants {
			if err := upsertTenant(ctx, tx, t); err != nil {
				return fmt.Errorf("tenant %s: %w", t.ID, err)
			}
		}
		for _, a := range r.authorities {
			if err := upsertAuthority(ctx, tx, a); err != nil {
				return fmt.Errorf("authority %s: %w", a.ID, err)
			}
		}
		return replaceCompetences(ctx, tx, operator, r.authorities, competences)
	})
	if err != nil {
		return fmt.Errorf("seed authorities: %w", err)
	}
	return nil
}

// servicesOf maps the object of each service on offer that has role for an authority of kind to the day from which it
// applies.
func (c *Competence) servicesOf(role authority.Role, kind authority.Kind) map[key.ServiceKey]time.Time {
	out := map[key.ServiceKey]time.Time{}
	for _, p := range c.cfg.Packages {
		if p.Kinds[role] != kind {
			continue
		}
		day, _ := time.Parse(time.DateOnly, p.ValidFrom) // checked when the package was loaded
		object := p.Service.Object()
		if known, ok := out[object]; !ok || day.Before(known) {
			out[object] = day
		}
	}
	return out
}

func (c *Competence) competencesOf(authorities []authority.Authority) []authority.Competence {
	var out []authority.Competence
	for _, a := range authorities {
		for _, role := range a.Roles {
			for object, begins := range c.servicesOf(role, a.Kind) {
				out = append(out, authority.Competence{
					Service: object, Region: a.Region, Role: role, Authority: a.ID, Begins: begins,
				})
			}
		}
	}
	return out
}

// unambiguous refuses two authorities for one service, region and role.
func unambiguous(competences []authority.Competence) error {
	held := map[authority.Competence]authority.ID{}
	for _, c := range competences {
		place := authority.Competence{Service: c.Service, Region: c.Region, Role: c.Role}
		if other, twice := held[place]; twice {
			return fmt.Errorf("role %s of service %s in region %s: both %s and %s", c.Role, c.Service, c.Region, other, c.Authority)
		}
		held[place] = c.Authority
	}
	return nil
}

var errForeign = contracts.Errorf(contracts.Conflict, "take over id", "the id belongs to another operator")

func upsertTenant(ctx context.Context, tx *sqlstore.Tx, t authority.Tenant) error {
	return upserted(tx.Exec(ctx, `insert into tenants (id, operator, name) values ($1, $2, $3)
		on conflict (id) do update set name = excluded.name where tenants.operator = excluded.operator`, t.ID, t.Operator, t.Name))
}

func upsertAuthority(ctx context.Context, tx *sqlstore.Tx, a authority.Authority) error {
	roles, err := json.Marshal(a.Roles)
	if err != nil {
		return err
	}
	return upserted(tx.Exec(ctx, `insert into authorities (id, operator, tenant, kind, name, region, roles, waived, mark)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (id) do update set tenant = excluded.tenant, kind = excluded.kind, name = excluded.name,
			region = excluded.region, roles = excluded.roles, waived = excluded.waived, mark = excluded.mark
		where authorities.operator = excluded.operator`,
		a.ID, a.Operator, a.Tenant, a.Kind, a.Name, a.Region, string(roles), a.Waived, a.Mark))
}

// upserted demands that a row was written: none is when the id is another operator's.
func upserted(res interface{ RowsAffected() (int64, error) }, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return errForeign
	}
	return nil
}

// replaceCompetences writes the competences of the files and ends what they no longer name.
func replaceCompetences(ctx context.Context, tx *sqlstore.Tx, operator authority.OperatorID, named []authority.Authority, competences []authority.Competence) error {
	listed := map[authority.Competence]bool{}
	for _, c := range competences {
		if _, err := tx.Exec(ctx, `insert into competences (operator, service, region, role, authority, begins, ends)
			values ($1, $2, $3, $4, $5, $6, null)
			on conflict (operator, role, region, service, authority) do update set begins = excluded.begins, ends = null`,
			operator, c.Service, c.Region, c.Role, c.Authority, c.Begins); err != nil {
			return err
		}
		listed[authority.Competence{Service: c.Service, Region: c.Region, Role: c.Role, Authority: c.Authority}] = true
	}
	for _, a := range named {
		held, err := openCompetences(ctx, tx, operator, a.ID)
		if err != nil {
			return err
		}
		for _, c := range held {
			if listed[c] {
				continue
			}
			if _, err := tx.Exec(ctx, `update competences set ends = $1
				where operator = $2 and service = $3 and region = $4 and role = $5 and authority = $6`,
				tx.Now(), operator, c.Service, c.Region, c.Role, c.Authority); err != nil {
				return err
			}
		}
	}
	return nil
}

// openCompetences lists the competences of an authority that have no end, without their days.
func openCompetences(ctx context.Context, tx *sqlstore.Tx, operator authority.OperatorID, id authority.ID) (out []authority.Competence, err error) {
	rows, err := tx.QueryContext(ctx, `select service, region, role, authority from competences
		where operator = $1 and authority = $2 and ends is null`, operator, id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c authority.Competence
		if err := rows.Scan(&c.Service, &c.Region, &c.Role, &c.Authority); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
