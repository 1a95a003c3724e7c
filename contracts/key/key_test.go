package key_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/efa-broker/efa-broker/contracts/key"
)

func TestAServiceKeyIsLeiKaOrLocal(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"99050012104000": true, "99108001000000": true, "local:sondernutzung": true, "local:a-1": true,
		"": false, "9905001210400": false, "990500121040000": false, "77050012104000": false, "9905001210400x": false,
		" 99050012104000": false, "99050012104000\n": false, "９９050012104000": false, "local:": false, "local:a": false,
		"local:-a": false, "local:a-": false, "local:Aa": false, "local:a b": false, "lokal:abc": false,
	} {
		got, err := key.ParseServiceKey(s)
		if (err == nil) != want {
			t.Errorf("%q: got %v", s, err)
		}
		if err != nil && (!errors.Is(err, key.ErrServiceKey) || got != "") {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
		if err == nil && string(got) != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestTheObjectOfAServiceKeyHasNoActionAndDetail(t *testing.T) {
	t.Parallel()
	for k, want := range map[key.ServiceKey]key.ServiceKey{
		"99050012104000":      "99050012000000",
		"99050012070000":      "99050012000000",
		"99115005104001":      "99115005000000",
		"99108001000000":      "99108001000000",
		"local:sondernutzung": "local:sondernutzung",
		"local:abcdefgh":      "local:abcdefgh", // 14 characters long
		"":                    "",
	} {
		if got := k.Object(); got != want {
			t.Errorf("%s: got %s", k, got)
		}
	}
	if !key.ServiceKey("local:sondernutzung").Local() || key.ServiceKey("99050012104000").Local() {
		t.Error("the local key space is not told from LeiKa")
	}
}

func TestARegionKeyHasOneOfFiveLengths(t *testing.T) {
	t.Parallel()
	digits := "0916200000001"
	for n := range len(digits) + 1 {
		_, err := key.ParseRegionKey(digits[:n])
		want := n == 2 || n == 3 || n == 5 || n == 9 || n == 12
		if (err == nil) != want {
			t.Errorf("%d digits: got %v", n, err)
		}
		if err != nil && !errors.Is(err, key.ErrRegionKey) {
			t.Errorf("%d digits: got %v", n, err)
		}
	}
	for _, s := range []string{"0x", "09162000000x", "09\n", " 09"} {
		if _, err := key.ParseRegionKey(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestAMunicipalityKeyHasEightDigits(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"09162000": true, "0916200": false, "091620000": false, "091620000000": false, "0916200x": false, "": false,
	} {
		if _, err := key.ParseMunicipalityKey(s); (err == nil) != want || err != nil && !errors.Is(err, key.ErrMunicipalityKey) {
			t.Errorf("%q: got %v", s, err)
		}
	}
}

// Resolution order: 12 → 9 → 5 → 3 → 2 digits → the federation.
func TestAncestorsAreMostSpecificFirst(t *testing.T) {
	t.Parallel()
	for k, want := range map[key.RegionKey][]key.RegionKey{
		"082155003009": {"082155003009", "082155003", "08215", "082", "08", key.Federal},
		"08215":        {"08215", "082", "08", key.Federal},
		"08":           {"08", key.Federal},
		key.Federal:    {key.Federal, "000000000", "00000", "000", "00"},
	} {
		if d := cmp.Diff(want, k.Ancestors()); d != "" {
			t.Errorf("%s: %s", k, d)
		}
	}
}

func TestEveryAncestorIsAPrefixOrTheFederation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{2, 3, 5, 9, 12}).Draw(t, "length")
		k := key.RegionKey(rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), n, n, n).Draw(t, "key"))
		list := k.Ancestors()
		if list[0] != k {
			t.Fatalf("%s: begins with %s", k, list[0])
		}
		for i, a := range list {
			if _, err := key.ParseRegionKey(string(a)); err != nil {
				t.Fatalf("%s: %s: %v", k, a, err)
			}
			if a != key.Federal && k[:len(a)] != a {
				t.Fatalf("%s: %s is no prefix", k, a)
			}
			if a != key.Federal && i > 0 && len(list[i-1]) <= len(a) {
				t.Fatalf("%s: %s does not grow less specific", k, a)
			}
		}
	})
}
