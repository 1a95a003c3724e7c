package output

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table aligns the columns of rows, two blanks apart. An empty cell shows as "-".
func Table(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(dash(cell)))
		}
	}
	lines := make([]string, 0, len(rows))
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(dash(cell))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(dash(cell))+2))
			}
		}
		lines = append(lines, b.String())
	}
	return lines
}

// Pairs aligns labels and values.
func Pairs(labelled ...string) []string {
	rows := make([][]string, 0, len(labelled)/2)
	for pair := range slices.Chunk(labelled, 2) {
		rows = append(rows, pair)
	}
	return Table(rows)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Numbers shortens field ids of one form: "gewa1 1, 3–5, 11". Ids of another shape stand as they are.
func Numbers(fields []string) string {
	byForm := map[string][]int{}
	var order, others []string
	for _, id := range fields {
		form, number, _ := strings.Cut(id, ".")
		n, err := strconv.Atoi(number)
		if err != nil {
			others = append(others, id)
			continue
		}
		if byForm[form] == nil {
			order = append(order, form)
		}
		byForm[form] = append(byForm[form], n)
	}
	parts := make([]string, 0, len(order)+1)
	for _, form := range order {
		parts = append(parts, form+" "+ranges(byForm[form]))
	}
	if len(others) > 0 {
		parts = append(parts, strings.Join(others, ", "))
	}
	return strings.Join(parts, "; ")
}

func ranges(n []int) string {
	slices.Sort(n)
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		switch j - i {
		case 0:
			parts = append(parts, strconv.Itoa(n[i]))
		case 1:
			parts = append(parts, strconv.Itoa(n[i]), strconv.Itoa(n[j]))
		default:
			parts = append(parts, strconv.Itoa(n[i])+"–"+strconv.Itoa(n[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
