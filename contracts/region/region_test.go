package region_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/efa-broker/efa-broker/contracts/key"
	"github.com/efa-broker/efa-broker/contracts/region"
)

func register(t *testing.T) *region.Register {
	t.Helper()
	r, err := region.Load()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheRegisterHoldsEveryAreaOfItsDate(t *testing.T) {
	t.Parallel()
	r := register(t)
	if r.Len() != 11_004 {
		t.Fatalf("got %d areas", r.Len())
	}
	if got := r.Date().Format("2006-01-02"); got != "2020-12-31" {
		t.Fatalf("got date %s", got)
	}
}

// Cities of several Länder, and municipalities of a Verband, whose ARS holds digits that the AGS lacks.
func TestCitiesConvertFromAGSToARSByTheTableOnly(t *testing.T) {
	t.Parallel()
	r := register(t)
	for ags, ars := range map[key.MunicipalityKey]key.RegionKey{
		"09162000": "091620000000", "09161000": "091610000000", "09362000": "093620000000", "09564000": "095640000000",
		"09663000": "096630000000", "09761000": "097610000000", "08215009": "082155003009", "08211000": "082110000000",
		"08216043": "082165005043", "08216007": "082165002007", "02000000": "020000000000", "01002000": "010020000000",
		"04011000": "040110000000", "05314000": "053140000000", "05315000": "053150000000", "05111000": "051110000000",
		"12054000": "120540000000",
	} {
		a, ok := r.ByMunicipality(ags)
		if !ok || a.Region != ars {
			t.Errorf("%s: got %q, want %s", ags, a.Region, ars)
		}
		back, ok := r.Area(ars)
		if !ok || back.Municipality != ags {
			t.Errorf("%s: got %q, want %s", ars, back.Municipality, ags)
		}
	}
}

func TestAPaddedKeyNamesNothing(t *testing.T) {
	t.Parallel()
	r := register(t)
	for _, k := range []key.RegionKey{"082150009000", "082150000009", "000008215009", "082150090000", "08215", "09162"} {
		if a, ok := r.Area(k); ok {
			t.Errorf("%s: got %s", k, a.Name)
		}
	}
	for _, k := range []key.MunicipalityKey{"09162001", "00000000", "99999999", "", "091620000000"} {
		if a, ok := r.ByMunicipality(k); ok {
			t.Errorf("%s: got %s", k, a.Name)
		}
	}
}

func TestAPostcodeListsEveryCandidate(t *testing.T) {
	t.Parallel()
	r := register(t)
	for code, want := range map[string]struct {
		n     int
		first key.RegionKey
	}{
		"80331": {1, "091620000000"},
		"54636": {39, ""},
		"00000": {0, ""},
		"8033":  {0, ""},
		"":      {0, ""},
	} {
		got := r.ByPostcode(code)
		if len(got) != want.n {
			t.Errorf("%q: got %d areas, want %d", code, len(got), want.n)
		}
		if want.first != "" && got[0].Region != want.first {
			t.Errorf("%q: got %s", code, got[0].Region)
		}
		for i := 1; i < len(got); i++ {
			if got[i-1].Region >= got[i].Region {
				t.Errorf("%q: %s stands before %s", code, got[i-1].Region, got[i].Region)
			}
		}
	}
}

func TestPrefixesOfAreasAreKnown(t *testing.T) {
	t.Parallel()
	r := register(t)
	got := map[key.RegionKey]bool{}
	for _, k := range []key.RegionKey{"09", "091", "09162", "091620000", "091620000000", "095", key.Federal, "17", "09999", "092", "998", "091629999999", ""} {
		got[k] = r.Known(k)
	}
	want := map[key.RegionKey]bool{
		"09": true, "091": true, "09162": true, "091620000": true, "091620000000": true, "095": true, key.Federal: true,
		"17": false, "09999": false, "092": true, "998": false, "091629999999": false, "": false,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestAnAreaCarriesItsRow(t *testing.T) {
	t.Parallel()
	got, _ := register(t).Area("091620000000")
	want := region.Area{
		Region: "091620000000", Municipality: "09162000", Name: got.Name, State: "Bayern", District: got.District,
		Kind: "61", Population: got.Population, Postcode: "80313", Longitude: got.Longitude, Latitude: got.Latitude,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	if got.Population < 1_000_000 || got.Longitude < 11 || got.Longitude > 12 || got.Latitude < 48 || got.Latitude > 49 {
		t.Fatalf("implausible: %+v", got)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := region.Load(); err != nil {
			b.Fatal(err)
		}
	}
}
