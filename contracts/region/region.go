package region

import (
	"time"

	"github.com/efa-broker/efa-broker/contracts/key"
)

// Area is one area of the municipality register: a municipality, or a territory that belongs to none
// (gemeindefreies Gebiet).
type Area struct {
	// Region is the ARS, 12 digits.
	Region key.RegionKey `json:"region"`
	// Municipality is the AGS, 8 digits.
	Municipality key.MunicipalityKey `json:"ags"`
	// Name is the official name with its addition: "München, Landeshauptstadt".
	Name string `json:"name"`
	// State is the Land, District the Kreis or kreisfreie Stadt.
	State    string `json:"state"`
	District string `json:"district"`
	// Kind is the Textkennzeichen of the register: "64" for most municipalities, "66" for a territory without one.
	Kind string `json:"kind"`
	// Population is the number of inhabitants on Date; 0 in a territory without municipality.
	Population int `json:"population"`
	// Postcode is that of the seat of the administration; may be empty.
	Postcode string `json:"postcode"`
	// Longitude and Latitude are in degrees, WGS 84; both are 0 where the register has no position.
	Longitude float64 `json:"longitude"`
	Latitude  float64 `json:"latitude"`
}

// Register is the register of one date. It is immutable and safe for concurrent use.
type Register struct {
	areas          []Area // ascending by Region
	byRegion       map[key.RegionKey]int32
	byMunicipality map[key.MunicipalityKey]int32
	byPostcode     map[string][]int32
	prefixes       map[key.RegionKey]struct{}
}

// Date is the Gebietsstand of the register: the day on which its keys were in force.
func (r *Register) Date() time.Time { return time.Date(2020, 12, 31, 0, 0, 0, 0, time.UTC) }

// Len is the number of areas.
func (r *Register) Len() int { return len(r.areas) }

// Area finds the area with the 12-digit key k. A shorter key names no area, and none is guessed.
func (r *Register) Area(k key.RegionKey) (Area, bool) {
	i, ok := r.byRegion[k]
	if !ok {
		return Area{}, false
	}
	return r.areas[i], true
}

// ByMunicipality converts an AGS by the table (features RT-03): 08215009 is 082155003009. An AGS that the register
// does not hold converts to nothing.
func (r *Register) ByMunicipality(k key.MunicipalityKey) (Area, bool) {
	i, ok := r.byMunicipality[k]
	if !ok {
		return Area{}, false
	}
	return r.areas[i], true
}

// ByPostcode lists every area that a postcode touches, ascending by key; many postcodes span several areas, and which
// of them is meant is for a person to say. An unknown postcode touches none.
func (r *Register) ByPostcode(code string) []Area {
	found := r.byPostcode[code]
	out := make([]Area, len(found))
	for n, i := range found {
		out[n] = r.areas[i]
	}
	return out
}

// Known reports whether k is an area of the register, a prefix of one (Land, Regierungsbezirk, Kreis or Verband), or
// the federation.
func (r *Register) Known(k key.RegionKey) bool {
	if k == key.Federal {
		return true
	}
	if _, ok := r.byRegion[k]; ok {
		return true
	}
	_, ok := r.prefixes[k]
	return ok
}
