package event

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// Same reports whether the data of a draft say the same as those that were recorded under its id, so that a repeat through
// an older or newer program is still a repeat. No difference are members that this program does not know, because a newer one
// recorded them, and members that an older one did not write: their fields carry the tag added, with the version that
// added them. Every other difference is one.
func (t Type) Same(recorded, draft []byte) bool {
	if bytes.Equal(recorded, draft) {
		return true
	}
	known := reflect.New(reflect.TypeOf(t.Data))
	if json.Unmarshal(recorded, known.Interface()) != nil {
		return false
	}
	again, err := json.Marshal(known.Interface())
	if err != nil {
		return false
	}
	held, asked := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(again, &held) != nil || json.Unmarshal(draft, &asked) != nil {
		return false
	}
	for _, f := range reflect.VisibleFields(known.Type().Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		_, added := f.Tag.Lookup("added")
		_, inHeld := held[name]
		if _, inAsked := asked[name]; added && inHeld != inAsked { // one of the two was written by an older program
			delete(held, name)
			delete(asked, name)
		}
	}
	return maps.EqualFunc(held, asked, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}
