package service

import (
	"maps"
	"slices"
)

// AllFields lists every field id of the form that the application schema knows, in the order of the form. The
// signature is not among them (GewAnzV § 2(1)).
func (p Package) AllFields() []string { return sortFields(slices.Collect(maps.Keys(p.form.groups))) }

// Group is the data group of a field; false when the form has no such field.
func (p Package) Group(field string) (string, bool) {
	g, ok := p.form.groups[field]
	return g, ok
}

// FieldsOf lists the fields that app has, in the order of the form. A field is there when one of its properties is,
// whatever its value.
func (p Package) FieldsOf(app map[string]any) []string {
	found := map[string]bool{}
	p.form.root.fieldsOf(app, found)
	return sortFields(slices.Collect(maps.Keys(found)))
}

func (n *node) fieldsOf(value any, found map[string]bool) {
	if n.field != "" {
		found[n.field] = true
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			if c := n.properties[name]; c != nil {
				c.fieldsOf(child, found)
			}
		}
	case []any:
		for _, item := range v {
			if n.items != nil {
				n.items.fieldsOf(item, found)
			}
		}
	}
}

// Filter keeps the released fields of app and nothing else: a property goes when its field was not released or when the
// schema does not know it, a container when nothing in it was kept. An id that the form lacks releases nothing. App is
// not changed; the result shares the values of kept fields with it.
func (p Package) Filter(app map[string]any, released []string) map[string]any {
	allowed := make(map[string]bool, len(released))
	for _, id := range released {
		allowed[id] = true
	}
	kept, _ := p.form.root.filter(app, allowed).(map[string]any)
	if kept == nil {
		return map[string]any{}
	}
	return kept
}

// filter returns what may leave of value, or nil.
func (n *node) filter(value any, allowed map[string]bool) any {
	if n == nil {
		return nil
	}
	if n.field != "" {
		if allowed[n.field] {
			return value
		}
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, child := range v {
			if k := n.properties[name].filter(child, allowed); k != nil {
				kept[name] = k
			}
		}
		if len(kept) > 0 {
			return kept
		}
	case []any:
		var kept []any
		for _, item := range v {
			if k := n.items.filter(item, allowed); k != nil {
				kept = append(kept, k)
			}
		}
		if len(kept) > 0 {
			return kept
		}
	}
	return nil
}
