//go:build next

package event

// TypeCaseAcknowledgedNext is the next version of TypeCaseAcknowledged.
const TypeCaseAcknowledgedNext = "de.efa.case.acknowledged.v2"

// CaseAcknowledgedNext is the data of TypeCaseAcknowledgedNext.
type CaseAcknowledgedNext struct {
	CaseAcknowledged

	Program string `json:"program,omitempty"`
}

// TaskCompletedNext is what the next version writes with TypeTaskCompleted.
type TaskCompletedNext struct {
	TaskCompleted

	Program string `json:"program,omitempty" added:"9001"`
}

// renew adds what the next version of the catalogue has more.
func renew(types []Type) []Type {
	for i, t := range types {
		if t.Name == TypeTaskCompleted {
			types[i].Data = TaskCompletedNext{}
		}
		if t.Name == TypeCaseAcknowledged {
			t.Name, t.Data = TypeCaseAcknowledgedNext, CaseAcknowledgedNext{}
			types = append(types, t)
		}
	}
	return types
}
