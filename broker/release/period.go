package release

import (
	"regexp"
	"strconv"
	"time"

	"github.com/efa-broker/efa-broker/contracts"
)

var periodPattern = regexp.MustCompile(`^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?$`)

// addPeriod returns the instant that lies an ISO 8601 period of years, months and days behind at. Any other text is an
// error: a record whose end is not known is not written.
func addPeriod(at time.Time, period string) (time.Time, error) {
	m := periodPattern.FindStringSubmatch(period)
	if m == nil || m[1]+m[2]+m[3] == "" {
		return time.Time{}, contracts.Errorf(contracts.Internal, "read period", "want years, months and days as in P2Y")
	}
	var n [3]int
	for i, digits := range m[1:] {
		if digits == "" {
			continue
		}
		value, err := strconv.Atoi(digits)
		if err != nil {
			return time.Time{}, contracts.Errorf(contracts.Internal, "read period", "%w", err)
		}
		n[i] = value
	}
	return at.AddDate(n[0], n[1], n[2]), nil
}
