package law

import (
	"fmt"

	"github.com/efa-broker/efa-broker/contracts/authority"
)

// Recipient is a recipient as the law names it, with the words that this product uses for it.
type Recipient struct {
	// Number is its number in GewO § 14(8): "3a"; "previous" and "lead" are the trade offices.
	Number string
	// Role is its role in a process; Kind is the kind of office that may fill it.
	Role authority.Role
	Kind authority.Kind
	// NameDE and NameEN name the role for people.
	NameDE, NameEN string
}

// readRecipients reads the recipients in the order of the file.
func (s source) readRecipients() ([]Recipient, error) {
	records, err := s.readTable("recipients.csv", "recipient_no", "role", "kind", "name_de", "name_en", "mark")
	if err != nil {
		return nil, err
	}
	var out []Recipient
	numbers, roles := map[string]bool{}, map[authority.Role]bool{}
	for _, r := range records {
		rec := Recipient{
			Number: r["recipient_no"], Role: authority.Role(r["role"]), Kind: authority.Kind(r["kind"]),
			NameDE: r["name_de"], NameEN: r["name_en"],
		}
		if rec.Number == "" || rec.Role == "" || rec.Kind == "" || rec.NameDE == "" || rec.NameEN == "" {
			return nil, fmt.Errorf("recipient %q: every column is required", rec.Number)
		}
		if numbers[rec.Number] || roles[rec.Role] {
			return nil, fmt.Errorf("recipient %s (%s): listed twice", rec.Number, rec.Role)
		}
		numbers[rec.Number], roles[rec.Role] = true, true
		out = append(out, rec)
	}
	return out, nil
}
