package law

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/efa-broker/efa-broker/contracts/key"
)

// buildRows joins the statutory matrix, the columns it lacks, recipients and forms into rows, sorted by service, role,
// basis and begin.
func (s source) buildRows(m matrix, fields []FormField, recipients []Recipient) ([]Row, error) {
	entries, err := s.readEntries(m)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, e := range entries {
		row, applies, err := m.row(e, fields, recipients)
		if err != nil {
			return nil, fmt.Errorf("row %s %s: %w", e.form, e.number, err)
		}
		if applies {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, Row.compare)
	return rows, disjoint(rows)
}

// row builds one row; the flag is false for mode "none".
func (m matrix) row(e entry, fields []FormField, recipients []Recipient) (Row, bool, error) {
	service, ok := m.Forms[e.form]
	if !ok {
		return Row{}, false, fmt.Errorf("form %q has no service", e.form)
	}
	if _, err := key.ParseServiceKey(string(service)); err != nil {
		return Row{}, false, fmt.Errorf("form %q: %w", e.form, err)
	}
	at := slices.IndexFunc(recipients, func(r Recipient) bool { return r.Number == e.number })
	if at < 0 {
		return Row{}, false, fmt.Errorf("recipient %q is not known", e.number)
	}
	form := strings.ToLower(e.form)
	listed, err := e.expand(ofForm(fields, form))
	if err != nil || e.mode == "none" {
		return Row{}, false, err
	}
	conditions, err := m.conditionsOf(e)
	if err != nil {
		return Row{}, false, err
	}
	if e.norm == "" || e.mark == "" {
		return Row{}, false, errors.New("norm and mark are required")
	}
	return Row{
		Service: service, Form: form, Role: recipients[at].Role, Kind: recipients[at].Kind, Basis: m.Basis,
		Norm: e.norm, Jurisdiction: m.Jurisdiction, Begins: midnight(m.Begins), Ends: midnight(m.Ends),
		Conditions: conditions, Purposes: []string{cmp.Or(m.Purposes[e.number], m.DefaultPurpose)},
		Fields: m.leaving(listed), Retain: m.Retain, Mark: e.mark, Design: m.designColumns(e),
	}, true, nil
}

// leaving maps the listed fields to their groups, without the groups that leave to nobody.
func (m matrix) leaving(listed []FormField) map[string]string {
	out := map[string]string{}
	for _, f := range listed {
		if !slices.Contains(m.WithheldGroups, f.Group) {
			out[f.ID] = f.Group
		}
	}
	return out
}

// designColumns names the columns of the entry's row that no source holds.
func (m matrix) designColumns(e entry) []string {
	out := []string{"basis", "begins", "ends", "jurisdiction", "kind", "purposes", "retain", "role"}
	if len(m.AddedConditions[e.number]) > 0 {
		out = append(out, "conditions")
	}
	slices.Sort(out)
	return out
}

// disjoint refuses two rows of one service, role and basis that are in force at one time; rows are sorted.
func disjoint(rows []Row) error {
	for i := 1; i < len(rows); i++ {
		a, b := rows[i-1], rows[i]
		same := a.Service == b.Service && a.Role == b.Role && a.Basis == b.Basis
		if same && (a.Ends.IsZero() || b.Begins.Before(a.Ends)) {
			return fmt.Errorf("row %s %s: two rows are in force at one time", b.Form, b.Role)
		}
	}
	return nil
}

// inForce reports whether at lies in [begins, ends); a zero end is no end.
func inForce(begins, ends, at time.Time) bool {
	return !at.Before(begins) && (ends.IsZero() || at.Before(ends))
}

// compare orders rows by service, role, basis and begin.
func (r Row) compare(other Row) int {
	return cmp.Or(cmp.Compare(r.Service, other.Service), cmp.Compare(r.Role, other.Role), cmp.Compare(r.Basis, other.Basis),
		r.Begins.Compare(other.Begins))
}

// clone copies the row deeply.
func (r Row) clone() Row {
	r.Conditions, r.Fields = maps.Clone(r.Conditions), maps.Clone(r.Fields)
	r.Purposes, r.Design = slices.Clone(r.Purposes), slices.Clone(r.Design)
	return r
}
