package decision

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Names are the names with which a record is told to people; the record itself holds only ids.
type Names struct {
	// Recipient is the display name of the recipient: "Bayerisches Landesamt für Maß und Gewicht".
	Recipient string
	// RoleDE and RoleEN name the recipient's role: "Eichbehörde", "weights and measures authority". Empty when the
	// recipient has none.
	RoleDE, RoleEN string
}

// Explain tells a decision in German and in English, from its record alone: what was handed over, on which norm, what
// not and why, and for a refusal what would have to change. Only the outcome and the codes of the document choose the
// words; a code that this version does not know is told by the legend that the record carries.
func Explain(r Record, names Names) (de, en string) {
	return german().tell(r.Document, names.Recipient, names.RoleDE), english().tell(r.Document, names.Recipient, names.RoleEN)
}

// wording are the templates of one language.
type wording struct {
	lang string
	// told maps stage and outcome to the sentence: recipient, then released and requested fields, then the norm.
	told map[Stage]map[Outcome]string
	// norm renders the text of a norm.
	norm func(string) string
	// field and fields begin a list of field numbers; and joins its last two; until joins a range.
	field, fields, and, until string
	// heldOne and heldMany follow the list of one or of several fields that were held back.
	heldOne, heldMany string
	// reasons maps a code to its words, in which {basis} stands for the norm of the row.
	reasons map[string]reason
	// unknown tells a code of another version: title, norm.
	unknown string
	// change begins what would have to be otherwise, both joins two such parts.
	change, both string
}

// reason are the words for one code.
type reason struct {
	// one and many say why one field or several fields are held back; whole says why everything is.
	one, many, whole string
	// change says what would have to be otherwise.
	change string
}

// tell composes the sentences of one language.
func (w wording) tell(d Document, recipient, role string) string {
	who := recipient
	if role != "" {
		who += " (" + role + ")"
	}
	requested := len(d.Release) + len(d.Withhold)
	var b strings.Builder
	b.WriteString(strings.NewReplacer(
		"{who}", who, "{released}", strconv.Itoa(len(d.Release)), "{requested}", strconv.Itoa(requested), "{basis}", w.norm(d.LegalBasis),
	).Replace(w.told[d.Stage][d.Outcome]))
	if d.Outcome == Refuse {
		b.WriteString(" " + w.refusal(d))
		return b.String()
	}
	for _, codes := range groups(d) {
		b.WriteString(" " + w.withheld(d, codes))
	}
	return b.String()
}

// withheld tells the fields that were held back for one set of codes.
func (w wording) withheld(d Document, codes []string) string {
	var ids []string
	for id, of := range d.Withhold {
		if slices.Equal(of, codes) {
			ids = append(ids, id)
		}
	}
	var why []string
	for _, code := range codes {
		words := w.reasons[code]
		text := words.one
		if len(ids) > 1 {
			text = words.many
		}
		why = append(why, w.because(d, code, text))
	}
	held := w.heldOne
	if len(ids) > 1 {
		held = w.heldMany
	}
	return w.list(ids) + held + strings.Join(why, "; ") + "."
}

// refusal tells why nothing was handed over, and what would have to change. Where no row of the law bears on the
// request at all, the other codes only follow from that and are not told.
func (w wording) refusal(d Document) string {
	codes := slices.Sorted(maps.Keys(d.Reasons))
	if d.LegalBasis == "" && slices.Contains(codes, noLaw) {
		codes = []string{noLaw}
	} else if transfer := slices.DeleteFunc(slices.Clone(codes), func(c string) bool { return c == unlisted }); len(transfer) > 0 {
		codes = transfer
	}
	var why, change []string
	for _, code := range codes {
		words := w.reasons[code]
		if code == noLaw && d.LegalBasis != "" {
			words = w.reasons[conditions]
		}
		why = append(why, w.because(d, code, words.whole))
		if words.change != "" {
			change = append(change, strings.ReplaceAll(words.change, "{basis}", w.norm(d.LegalBasis)))
		}
	}
	text := strings.Join(why, "; ") + "."
	text = strings.ToUpper(text[:1]) + text[1:]
	if len(change) > 0 {
		text += " " + w.change + strings.Join(change, w.both) + "."
	}
	return text
}

// because adds the norm of a code to its words, or tells an unknown code by the record's legend.
func (w wording) because(d Document, code, text string) string {
	legend := d.Reasons[code]
	if text == "" {
		return fmt.Sprintf(w.unknown, legend.Title[w.lang], w.norm(legend.Norm))
	}
	text = strings.ReplaceAll(text, "{basis}", w.norm(d.LegalBasis))
	return text + " (" + w.norm(legend.Norm) + ")"
}

// list names fields by their numbers, runs of three and more as a range: "Felder 2, 6–10 und 12".
func (w wording) list(ids []string) string {
	var parts []string
	for _, run := range runs(ids) {
		switch {
		case len(run) > 2:
			parts = append(parts, run[0]+w.until+run[len(run)-1])
		default:
			parts = append(parts, run...)
		}
	}
	if len(ids) == 1 {
		return w.field + parts[0]
	}
	if len(parts) == 1 {
		return w.fields + parts[0]
	}
	last := len(parts) - 1
	return w.fields + strings.Join(parts[:last], ", ") + w.and + parts[last]
}

// groups are the distinct sets of codes for which fields were held back, in a fixed order.
func groups(d Document) [][]string {
	var out [][]string
	for _, codes := range d.Withhold {
		if !slices.ContainsFunc(out, func(known []string) bool { return slices.Equal(known, codes) }) {
			out = append(out, codes)
		}
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

// runs parts the numbers of field ids into runs of successive ones. A number that is none ("3a") stands alone, last.
func runs(ids []string) [][]string {
	var numbers []int
	var others [][]string
	for _, id := range ids {
		_, number, _ := strings.Cut(id, ".")
		if n, err := strconv.Atoi(number); err == nil {
			numbers = append(numbers, n)
		} else {
			others = append(others, []string{number})
		}
	}
	slices.Sort(numbers)
	slices.SortFunc(others, slices.Compare)
	var out [][]string
	for i, n := range numbers {
		if i == 0 || n != numbers[i-1]+1 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], strconv.Itoa(n))
	}
	return append(out, others...)
}
