package decision

import (
	"cmp"
	"strconv"
	"strings"
)

// CompareFields orders field ids as the form does: by form, then by number ("gewa1.4" before "gewa1.13").
func CompareFields(a, b string) int {
	formA, numberA := splitField(a)
	formB, numberB := splitField(b)
	return cmp.Or(cmp.Compare(formA, formB), cmp.Compare(numberA, numberB), cmp.Compare(a, b))
}

func splitField(id string) (form string, number int) {
	form, n, _ := strings.Cut(id, ".")
	number, _ = strconv.Atoi(n)
	return form, number
}
