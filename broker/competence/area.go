package competence

import (
	"context"
	"fmt"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/region"
)

// Place names where: exactly one member is set.
type Place struct {
	// Region is an ARS of 12 digits.
	Region string
	// AGS is an AGS of 8 digits.
	AGS string
	// Postcode has 5 digits.
	Postcode string
}

// Areas lists every area that a place may mean: one for a region key or an AGS, often several for a postcode. It
// returns Invalid with the parameter's name when the register knows no such area; nothing is padded or guessed.
func (c *Competence) Areas(p Place) ([]region.Area, error) {
	set := 0
	for _, s := range []string{p.Region, p.AGS, p.Postcode} {
		if s != "" {
			set++
		}
	}
	switch {
	case set != 1:
		return nil, refuse("region", "want exactly one of region, ags and postcode")
	case p.Region != "":
		return c.byRegion(p.Region)
	case p.AGS != "":
		return c.byMunicipality(p.AGS)
	}
	areas := c.cfg.Register.ByPostcode(p.Postcode)
	if len(areas) == 0 {
		return nil, refuse("postcode", "no area of the official register has this postcode; want 5 digits")
	}
	return areas, nil
}

func (c *Competence) byRegion(s string) ([]region.Area, error) {
	k, err := key.ParseRegionKey(s)
	if err != nil || len(k) != 12 {
		return nil, refuse("region", "want the region key (ARS) of a municipality, 12 digits; a shorter key is never padded")
	}
	a, ok := c.cfg.Register.Area(k)
	if !ok {
		return nil, refuse("region", "no area of the official register of %s has this key", c.date())
	}
	return []region.Area{a}, nil
}

func (c *Competence) byMunicipality(s string) ([]region.Area, error) {
	k, err := key.ParseMunicipalityKey(s)
	if err != nil {
		return nil, refuse("ags", "%s; it is never padded", err)
	}
	a, ok := c.cfg.Register.ByMunicipality(k)
	if !ok {
		return nil, refuse("ags", "no area of the official register of %s has this key", c.date())
	}
	return []region.Area{a}, nil
}

func (c *Competence) date() string { return c.cfg.Register.Date().Format("2006-01-02") }

func refuse(parameter, format string, args ...any) error {
	return contracts.Refuse(contracts.Invalid, "find area", contracts.Problem{
		Pointer: parameter, Detail: fmt.Sprintf(format, args...),
	})
}

// Assignment is an authority in the role in which it answers for a service.
type Assignment struct {
	Role      authority.Role
	Authority authority.Authority
}

// Assignments lists for each role of a service the authority that answers for it in a region, in the order of the
// service's roles; a role without one is left out.
func (c *Competence) Assignments(ctx context.Context, operator authority.OperatorID, s key.ServiceKey, r key.RegionKey) ([]Assignment, error) {
	var out []Assignment
	for _, role := range c.roles.of(s) {
		a, err := c.Resolve(ctx, operator, s, r, role)
		if contracts.KindOf(err) == contracts.NotCompetent {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Assignment{Role: role, Authority: a})
	}
	return out, nil
}
