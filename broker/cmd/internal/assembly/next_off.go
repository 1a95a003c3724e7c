//go:build !next

package assembly

// renew registers no projector in this build; see package next.
func (d *domains) renew() {}
