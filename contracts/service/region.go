package service

import (
	"errors"
	"fmt"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// regionRule says that the authority of a role is sought in a region that the application names.
type regionRule struct {
	Role    authority.Role `yaml:"role"`
	Pointer string         `yaml:"pointer"`
	// When is the boolean fact without which the role takes no part in the case.
	When string `yaml:"when"`
}

func (r regionRule) check(root *node) error {
	if n := root.at(r.Pointer); n == nil || n.properties != nil || n.items != nil {
		return fmt.Errorf("pointer %q names no single property of the application", r.Pointer)
	}
	return nil
}

// Regions says for each role that takes part in the case in which region its authority is sought: own, the region for
// which the application was filed, unless the package names a property of the application for it. A role whose
// condition does not hold is absent. It returns Invalid, with a pointer into the application, when the place for which it
// is filed lies elsewhere than in own, and when a named property is no 12-digit key or names own itself: a business does
// not move from a district into the same one.
func (p Package) Regions(app map[string]any, own key.RegionKey) (map[authority.Role]key.RegionKey, error) {
	facts, err := p.Derive(app)
	if err != nil {
		return nil, err
	}
	if v, there := lookup(app, p.place); there && v != string(own) {
		return nil, contracts.Refuse(contracts.Invalid, "find region", contracts.Problem{
			Pointer: p.place, Detail: "is another municipality than the region for which the application is filed",
		})
	}
	out := make(map[authority.Role]key.RegionKey, len(p.Roles))
	for _, role := range p.Roles {
		out[role] = own
	}
	for _, r := range p.regions {
		if facts[r.When] != true {
			delete(out, r.Role)
			continue
		}
		region, err := r.region(app, own)
		if err != nil {
			return nil, &contracts.Error{
				Kind: contracts.Invalid, Op: "find region", Subject: string(r.Role),
				Problems: []contracts.Problem{{Pointer: r.Pointer, Detail: err.Error()}},
			}
		}
		out[r.Role] = region
	}
	return out, nil
}

func (r regionRule) region(app map[string]any, own key.RegionKey) (key.RegionKey, error) {
	v, _ := lookup(app, r.Pointer)
	s, _ := v.(string)
	region, err := key.ParseRegionKey(s)
	if err != nil || len(region) != 12 {
		return "", errors.New("want a region key (ARS) of 12 digits")
	}
	if region == own {
		return "", errors.New("is the region for which the application is filed; want that of the former place")
	}
	return region, nil
}
