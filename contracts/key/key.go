package key

import (
	"errors"
	"regexp"
	"strings"
)

// Errors that Parse functions return, wrapped with nothing: the text is fit for the caller.
var (
	// ErrServiceKey is a text that is no service key.
	ErrServiceKey = errors.New(`service key: want 14 digits that begin with 99, or "local:" and a name of lower-case letters, digits and hyphens`)
	// ErrRegionKey is a text that is no regional key.
	ErrRegionKey = errors.New("region key (ARS): want 12 digits, or a prefix of 2, 3, 5 or 9 digits")
	// ErrMunicipalityKey is a text that is no municipality key.
	ErrMunicipalityKey = errors.New("municipality key (AGS): want 8 digits")
)

var (
	leikaPattern        = regexp.MustCompile(`^99\d{12}$`)
	localPattern        = regexp.MustCompile(`^local:[a-z][a-z0-9-]{1,61}[a-z0-9]$`)
	regionPattern       = regexp.MustCompile(`^(\d{2}|\d{3}|\d{5}|\d{9}|\d{12})$`)
	municipalityPattern = regexp.MustCompile(`^\d{8}$`)
)

// ServiceKey names a public service: a 14-digit LeiKa key, or a name in the local key space ("local:"), which exists
// because many municipal services have no LeiKa key.
type ServiceKey string

// ParseServiceKey checks s. It returns ErrServiceKey when s is none.
func ParseServiceKey(s string) (ServiceKey, error) {
	if leikaPattern.MatchString(s) || localPattern.MatchString(s) {
		return ServiceKey(s), nil
	}
	return "", ErrServiceKey
}

// Local reports whether the key belongs to the local key space.
func (k ServiceKey) Local() bool { return strings.HasPrefix(string(k), "local:") }

// Object is the service object that the key belongs to: action and detail set to zero. A local key is its own object.
// Look-ups go from the exact key to the object (features RT-04).
func (k ServiceKey) Object() ServiceKey {
	if k.Local() || len(k) != 14 {
		return k
	}
	return k[:8] + "000000"
}

// RegionKey is an Amtlicher Regionalschlüssel (ARS): 2 Land, 1 Regierungsbezirk, 2 Kreis, 4 Verband, 3 Gemeinde.
// A shorter key names everything below it.
type RegionKey string

// Federal is the region key of the whole federation.
const Federal RegionKey = "000000000000"

// ParseRegionKey checks s. It returns ErrRegionKey when s is none; it never pads.
func ParseRegionKey(s string) (RegionKey, error) {
	if regionPattern.MatchString(s) {
		return RegionKey(s), nil
	}
	return "", ErrRegionKey
}

// Ancestors lists the keys under which a competence for k may be registered, most specific first: k itself, then
// 9, 5, 3 and 2 digits, then Federal. Resolution order of domain.md § 2.3.
func (k RegionKey) Ancestors() []RegionKey {
	out := []RegionKey{k}
	for _, n := range []int{9, 5, 3, 2} {
		if len(k) > n {
			out = append(out, k[:n])
		}
	}
	if k != Federal {
		out = append(out, Federal)
	}
	return out
}

// MunicipalityKey is an Amtlicher Gemeindeschlüssel (AGS). It is accepted only where the dated table converts it.
type MunicipalityKey string

// ParseMunicipalityKey checks s. It returns ErrMunicipalityKey when s is none.
func ParseMunicipalityKey(s string) (MunicipalityKey, error) {
	if municipalityPattern.MatchString(s) {
		return MunicipalityKey(s), nil
	}
	return "", ErrMunicipalityKey
}
