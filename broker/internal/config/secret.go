package config

import (
	"os"
	"slices"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// readSecret reads a secret from the file that <key>_file names. The second result is what is wrong, empty when nothing
// is.
func readSecret(s setting, path any, twice bool) (secret, problem string) {
	name, ok := path.(string)
	switch {
	case !ok || name == "":
		return "", "is no path"
	case twice:
		return "", "stands beside " + s.key + "; set one of them"
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", "cannot be read: " + err.Error()
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", "may be read by others; chmod 600 " + name
	}
	raw, err := os.ReadFile(name) //nolint:gosec // the operator names the file of the own secret
	if err != nil {
		return "", "cannot be read: " + err.Error()
	}
	return strings.TrimRight(string(raw), "\r\n"), ""
}

func sorted(problems []contracts.Problem) []contracts.Problem {
	slices.SortFunc(problems, func(a, b contracts.Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	return problems
}
