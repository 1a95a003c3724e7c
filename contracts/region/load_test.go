package region

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestTablesThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	const head = "ars,ags,name,state,district,kind,population,postcode,longitude,latitude\n"
	const good = "091620000000,09162000,M,Bayern,M,61,1,80331,11.5,48.1\n"
	for name, c := range map[string]struct{ areas, postcodes, want string }{
		"other area":       {"091620000000,09162001,M,Bayern,M,61,1,80331,11.5,48.1\n", "", "do not name the same area"},
		"twice":            {good + good, "", "out of order"},
		"short ARS":        {"09162,09162000,M,Bayern,M,61,1,80331,11.5,48.1\n", "", "do not name the same area"},
		"no ARS":           {"x,09162000,M,Bayern,M,61,1,80331,11.5,48.1\n", "", "ARS"},
		"no AGS":           {"091620000000,x,M,Bayern,M,61,1,80331,11.5,48.1\n", "", "AGS"},
		"no number":        {"091620000000,09162000,M,Bayern,M,61,many,80331,11.5,48.1\n", "", "line 2"},
		"half a position":  {"091620000000,09162000,M,Bayern,M,61,1,80331,,48.1\n", "", "line 2"},
		"too few columns":  {"091620000000\n", "", "wrong number of fields"},
		"unknown AGS":      {good, "80331,09162001\n", "not in the register"},
		"4-digit postcode": {good, "8033,09162000\n", "5 digits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(fstest.MapFS{
				"municipalities.csv": {Data: []byte(head + c.areas)},
				"postcodes.csv":      {Data: []byte("postcode,ags\n" + c.postcodes)},
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := load(fstest.MapFS{}); err == nil {
		t.Fatal("missing tables: want an error")
	}
}
