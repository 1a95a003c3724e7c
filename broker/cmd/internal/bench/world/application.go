package world

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ContentBytes is the size of every application.
const ContentBytes = 4 << 10

// Application is the first example of the service as a new establishment in a region, with its free texts filled up until
// it has ContentBytes. Who takes part is what the example says.
func (w *World) Application(region string) (json.RawMessage, error) {
	var app map[string]any
	if err := json.Unmarshal(w.pkg.Examples[slices.Min(slices.Collect(maps.Keys(w.pkg.Examples)))], &app); err != nil {
		return nil, fmt.Errorf("read example: %w", err)
	}
	app["reason"] = "new_establishment"
	delete(app, "former_place")
	for _, place := range []string{"place_of_business", "main_establishment"} {
		if at, ok := app[place].(map[string]any); ok {
			at["region_key"] = region
		}
	}
	for _, text := range freeTexts() {
		if err := fill(app, text.path, text.longest); err != nil {
			return nil, err
		}
	}
	raw, err := json.Marshal(app)
	if err != nil {
		return nil, fmt.Errorf("encode application: %w", err)
	}
	if len(raw) != ContentBytes {
		return nil, fmt.Errorf("the application has %d bytes, want %d", len(raw), ContentBytes)
	}
	return raw, nil
}

// freeText is a member that may hold any text, at most longest characters.
type freeText struct {
	path    string
	longest int
}

func freeTexts() []freeText {
	out := []freeText{{"activity/description", 1000}, {"business/registered_name", 250}, {"business/trade_name", 250}, {"accident_insurance/carrier", 160}}
	for _, place := range []string{"place_of_business", "main_establishment", "person/home_address"} {
		for _, member := range []string{"supplement", "street", "city"} {
			out = append(out, freeText{place + "/" + member, 120})
		}
	}
	return out
}

// fill lengthens one text as far as it may be, and as far as the application still lacks bytes.
func fill(app map[string]any, path string, longest int) error {
	names := strings.Split(path, "/")
	o := app
	for _, name := range names[:len(names)-1] {
		var ok bool
		if o, ok = o[name].(map[string]any); !ok {
			return fmt.Errorf("the example has no %s", path)
		}
	}
	member := names[len(names)-1]
	if _, there := o[member]; !there {
		o[member] = "x"
	}
	raw, err := json.Marshal(app)
	if err != nil {
		return fmt.Errorf("encode application: %w", err)
	}
	text, _ := o[member].(string)
	if n := min(ContentBytes-len(raw), longest-len([]rune(text))); n > 0 {
		o[member] = text + strings.Repeat("x", n)
	}
	return nil
}
