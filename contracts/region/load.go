package region

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/efa-broker/efa-broker/contracts/data"
	"github.com/efa-broker/efa-broker/contracts/key"
)

// Load reads the embedded register. It takes a few dozen milliseconds and is called once, at start. An error means that
// the embedded tables contradict themselves.
func Load() (*Register, error) { return load(data.Files) }

func load(files fs.FS) (*Register, error) {
	r := &Register{
		byRegion:       make(map[key.RegionKey]int32, 12_000),
		byMunicipality: make(map[key.MunicipalityKey]int32, 12_000),
		byPostcode:     make(map[string][]int32, 9_000),
		prefixes:       make(map[key.RegionKey]struct{}, 6_000),
	}
	if err := table(files, "municipalities.csv", 10, r.addArea); err != nil {
		return nil, err
	}
	if err := table(files, "postcodes.csv", 2, r.addPostcode); err != nil {
		return nil, err
	}
	for _, found := range r.byPostcode {
		slices.Sort(found) // areas ascend by key, so do their positions
	}
	return r, nil
}

// table calls add for every row behind the header.
func table(files fs.FS, name string, columns int, add func(row []string) error) (err error) {
	f, err := files.Open(name)
	if err != nil {
		return fmt.Errorf("load register: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := csv.NewReader(f)
	c.FieldsPerRecord = columns
	c.ReuseRecord = true
	for line := 0; ; line++ {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load register: %s: %w", name, err)
		}
		if line == 0 {
			continue
		}
		if err := add(row); err != nil {
			return fmt.Errorf("load register: %s: line %d: %w", name, line+1, err)
		}
	}
}

// addArea reads ars, ags, name, state, district, kind, population, postcode, longitude, latitude.
func (r *Register) addArea(row []string) error {
	ars, err := key.ParseRegionKey(row[0])
	if err != nil {
		return err
	}
	ags, err := key.ParseMunicipalityKey(row[1])
	if err != nil {
		return err
	}
	if len(ars) != 12 || ars[:5] != key.RegionKey(ags[:5]) || ars[9:] != key.RegionKey(ags[5:]) {
		return fmt.Errorf("ARS %s and AGS %s do not name the same area", ars, ags)
	}
	if n := len(r.areas); n > 0 && r.areas[n-1].Region >= ars {
		return fmt.Errorf("ARS %s is out of order", ars)
	}
	a := Area{
		Region: ars, Municipality: ags, Name: row[2], State: row[3], District: row[4], Kind: row[5], Postcode: row[7],
	}
	if a.Population, err = strconv.Atoi(row[6]); err != nil {
		return err
	}
	if a.Longitude, a.Latitude, err = position(row[8], row[9]); err != nil {
		return err
	}
	i := int32(len(r.areas)) // #nosec G115 -- eleven thousand
	r.areas = append(r.areas, a)
	r.byRegion[ars] = i
	r.byMunicipality[ags] = i
	for _, n := range []int{2, 3, 5, 9} {
		r.prefixes[ars[:n]] = struct{}{}
	}
	return nil
}

// position reads a pair of degrees; a few areas have none.
func position(longitude, latitude string) (x, y float64, err error) {
	if longitude == "" && latitude == "" {
		return 0, 0, nil
	}
	if x, err = strconv.ParseFloat(longitude, 64); err != nil {
		return 0, 0, err
	}
	if y, err = strconv.ParseFloat(latitude, 64); err != nil {
		return 0, 0, err
	}
	return x, y, nil
}

// addPostcode reads postcode, ags.
func (r *Register) addPostcode(row []string) error {
	i, ok := r.byMunicipality[key.MunicipalityKey(row[1])]
	if !ok {
		return fmt.Errorf("AGS %s is not in the register", row[1])
	}
	if len(row[0]) != 5 {
		return errors.New("a postcode has 5 digits")
	}
	r.byPostcode[row[0]] = append(r.byPostcode[row[0]], i)
	return nil
}
