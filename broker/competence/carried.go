package competence

import (
	"slices"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/data"
	"github.com/efa-broker/efa-broker/contracts/region"
	"github.com/efa-broker/efa-broker/contracts/service"
)

// Carried lists the authorities of the embedded register as those of operator, by id: what Authorities answers after
// Seed on an empty ledger, for a program that has no ledger.
func Carried(register *region.Register, packages []service.Package, operator authority.OperatorID) ([]authority.Authority, error) {
	r, err := New(Config{Register: register, Packages: packages}).readRegister(data.Files, operator)
	if err != nil {
		return nil, contracts.Errorf(contracts.Invalid, "read embedded register of authorities", "%w", err)
	}
	slices.SortFunc(r.authorities, func(a, b authority.Authority) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return r.authorities, nil
}
