//go:build !next

package event

// renew adds no version in this build; see broker/internal/next.
func renew(types []Type) []Type { return types }
