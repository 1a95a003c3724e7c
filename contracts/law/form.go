package law

import (
	"fmt"
	"strings"
)

// FormField is one field of an official form in the edition whose numbers the law's lists use.
type FormField struct {
	// Form is the form in lower case: "gewa1".
	Form string
	// Number is the field's number on the form: "13".
	Number string
	// ID is the field id that requests and application schemas use: "gewa1.13".
	ID string
	// NameDE and NameEN are the field's names for people.
	NameDE, NameEN string
	// Group is the data group: "home_address".
	Group string
	// Mark says how certain the field's meaning is: "verified" or "derived".
	Mark string
}

// readForms reads the closed field lists of all forms, in the order of the file.
func (s source) readForms() ([]FormField, error) {
	records, err := s.readTable("gewanzv_fields.csv", "form", "number", "name_de", "name_en", "data_group", "mark", "source")
	if err != nil {
		return nil, err
	}
	var fields []FormField
	seen := map[string]bool{}
	for _, r := range records {
		f := FormField{
			Form: strings.ToLower(r["form"]), Number: r["number"],
			NameDE: r["name_de"], NameEN: r["name_en"], Group: r["data_group"], Mark: r["mark"],
		}
		f.ID = f.Form + "." + f.Number
		if f.Form == "" || f.Number == "" || f.Group == "" || f.Mark == "" {
			return nil, fmt.Errorf("field %s: form, number, data group and mark are required", f.ID)
		}
		if seen[f.ID] {
			return nil, fmt.Errorf("field %s: listed twice", f.ID)
		}
		seen[f.ID] = true
		fields = append(fields, f)
	}
	return fields, nil
}

// ofForm picks the fields of one form; form is in lower case.
func ofForm(fields []FormField, form string) []FormField {
	var out []FormField
	for _, f := range fields {
		if f.Form == form {
			out = append(out, f)
		}
	}
	return out
}
