package competence

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/contracts/authority"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// register is what the two files say, checked.
type register struct {
	tenants     []authority.Tenant
	authorities []authority.Authority
}

// readRegister reads tenants.csv and authorities.csv for operator and reports every fault in them.
func (c *Competence) readRegister(files fs.FS, operator authority.OperatorID) (register, error) {
	var out register
	rows, err := table(files, "tenants.csv", "id", "name")
	if err != nil {
		return register{}, err
	}
	var errs []error
	for _, r := range rows {
		t := authority.Tenant{ID: authority.TenantID(r["id"]), Operator: operator, Name: r["name"]}
		if _, err := authority.ParseID(r["id"]); err != nil || t.Name == "" || out.tenant(t.ID) {
			errs = append(errs, fmt.Errorf("tenants.csv: tenant %q: want an id that is not listed yet, and a name", r["id"]))
		}
		out.tenants = append(out.tenants, t)
	}
	rows, err = table(files, "authorities.csv", "id", "tenant", "kind", "name_de", "region", "roles", "waived", "mark")
	if err != nil {
		return register{}, errors.Join(append(errs, err)...)
	}
	for _, r := range rows {
		a, err := c.readAuthority(r, operator)
		switch {
		case err != nil:
		case !out.tenant(a.Tenant):
			err = fmt.Errorf("tenant %q is not listed", a.Tenant)
		case slices.ContainsFunc(out.authorities, func(o authority.Authority) bool { return o.ID == a.ID }):
			err = errors.New("is listed twice")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("authorities.csv: authority %q: %w", r["id"], err))
		}
		out.authorities = append(out.authorities, a)
	}
	return out, errors.Join(errs...)
}

func (r register) tenant(id authority.TenantID) bool {
	return slices.ContainsFunc(r.tenants, func(t authority.Tenant) bool { return t.ID == id })
}

func (c *Competence) readAuthority(r map[string]string, operator authority.OperatorID) (authority.Authority, error) {
	a := authority.Authority{
		ID: authority.ID(r["id"]), Operator: operator, Tenant: authority.TenantID(r["tenant"]),
		Kind: authority.Kind(r["kind"]), Name: r["name_de"], Mark: r["mark"], Region: key.RegionKey(r["region"]),
		Roles: []authority.Role{},
	}
	if _, err := authority.ParseID(r["id"]); err != nil {
		return a, err
	}
	if a.Kind == "" || a.Name == "" {
		return a, errors.New("kind and name are required")
	}
	if !c.cfg.Register.Known(a.Region) {
		return a, errors.New("region: is neither an area of the register nor a prefix of one")
	}
	if a.Mark != "verified" && a.Mark != "unverified" {
		return a, errors.New("mark: want verified or unverified")
	}
	var err error
	if a.Waived, err = strconv.ParseBool(r["waived"]); err != nil {
		return a, errors.New("waived: want true or false")
	}
	for word := range strings.FieldsSeq(r["roles"]) {
		role := authority.Role(word)
		if slices.Contains(a.Roles, role) {
			return a, fmt.Errorf("role %s stands twice", role)
		}
		if len(c.servicesOf(role, a.Kind)) == 0 {
			return a, fmt.Errorf("no service on offer has the role %s for an authority of kind %s", role, a.Kind)
		}
		a.Roles = append(a.Roles, role)
	}
	return a, nil
}

// table reads a CSV file whose header is exactly columns; each row maps column to value.
func table(files fs.FS, name string, columns ...string) (out []map[string]string, err error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(lines) == 0 || !slices.Equal(lines[0], columns) {
		return nil, fmt.Errorf("%s: want the columns %s", name, strings.Join(columns, ","))
	}
	for _, line := range lines[1:] {
		row := make(map[string]string, len(columns))
		for i, column := range columns {
			row[column] = line[i]
		}
		out = append(out, row)
	}
	return out, nil
}
