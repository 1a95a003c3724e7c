package policies

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts/law"
)

const (
	// instant is the one form in which instants stand in input and data; strings then compare like instants.
	instant = "2006-01-02T15:04:05Z"
	// noEnd stands for a row without end.
	noEnd = "9999-12-31T23:59:59Z"
)

// Effects of a released field.
const (
	// effectAllow: the field leaves as it is.
	effectAllow = "allow"
	// effectAnnounce: nothing leaves; the recipient may learn that there is something for it.
	effectAnnounce = "announce"
)

// rowData is a law row as the rules see it. Keyed objects, never arrays: the cost of a decision does not grow with the
// number of rows.
type rowData struct {
	Begins     string               `json:"begins"`
	Conditions map[string]any       `json:"conditions"`
	Ends       string               `json:"ends"`
	Fields     map[string]fieldData `json:"fields"`
	Kind       string               `json:"kind"`
	Norm       string               `json:"norm"`
	Purposes   []string             `json:"purposes"`
	Retain     string               `json:"retain"`
}

type fieldData struct {
	Effect string `json:"effect"`
	Group  string `json:"group"`
}

// lawData is data.law: rows[service][role][basis][begins], and how long a record is kept on which no row bears.
func lawData(book law.Book) map[string]any {
	rows := map[string]map[string]map[string]map[string]rowData{}
	for _, r := range book.AllRows() {
		service, role := string(r.Service), string(r.Role)
		if rows[service] == nil {
			rows[service] = map[string]map[string]map[string]rowData{}
		}
		if rows[service][role] == nil {
			rows[service][role] = map[string]map[string]rowData{}
		}
		if rows[service][role][r.Basis] == nil {
			rows[service][role][r.Basis] = map[string]rowData{}
		}
		data := toRowData(r)
		rows[service][role][r.Basis][data.Begins] = data
	}
	return map[string]any{"rows": rows, "retain": book.Retain()}
}

func toRowData(r law.Row) rowData {
	fields := make(map[string]fieldData, len(r.Fields))
	for id, group := range r.Fields {
		fields[id] = fieldData{Effect: effectAllow, Group: group}
	}
	conditions := r.Conditions
	if conditions == nil {
		conditions = map[string]any{}
	}
	return rowData{
		Begins: roundUp(r.Begins), Ends: end(r.Ends), Conditions: conditions, Fields: fields,
		Kind: string(r.Kind), Norm: r.Norm, Purposes: r.Purposes, Retain: r.Retain,
	}
}

// roundUp renders an instant in whole seconds, a fraction to the safe side: later.
func roundUp(at time.Time) string {
	if whole := at.Truncate(time.Second); whole.Before(at) {
		at = whole.Add(time.Second)
	}
	return at.UTC().Format(instant)
}

// end renders an exclusive end in whole seconds, a fraction to the safe side: earlier.
func end(at time.Time) string {
	if at.IsZero() {
		return noEnd
	}
	return at.UTC().Truncate(time.Second).Format(instant)
}
