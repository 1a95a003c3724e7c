package standing

import (
	"fmt"

	"github.com/efa-broker/efa-broker/contracts/actor"
)

// VisibleCases is a condition on the cases table (alias c) that keeps what v may see in a list, and its arguments,
// numbered from first. Rows of other operators never match. It mirrors ToCase; a test compares both over many rows.
func VisibleCases(v actor.Viewer, first int) (condition string, args []any) {
	operator := fmt.Sprintf("c.operator = $%d", first)
	switch v.Role {
	case actor.OperatorAdmin:
		return operator, []any{v.Operator}
	case actor.Portal:
		return fmt.Sprintf(`%s and (c.submitter = $%d or c.id in (
			with recursive opened (id) as (
				select l.linked from case_links l join cases o on o.id = l.case_id
					where l.relation = 'opened' and o.submitter = $%d and o.operator = $%d
				union
				select l.linked from case_links l join opened o on l.case_id = o.id where l.relation = 'opened')
			select id from opened))`, operator, first+1, first+1, first), []any{v.Operator, v.ID}
	case actor.System, actor.CaseWorker:
		return fmt.Sprintf(`%s and (c.lead = $%d or c.id in (
			select p.case_id from case_participation p where p.authority = $%d and p.ends is null))`, operator, first+1, first+1),
			[]any{v.Operator, v.Authority}
	case actor.Engine:
	}
	return "1 = 0", nil
}
