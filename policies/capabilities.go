package policies

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/version"
)

// engineName names the engine in a revision. A replay on another engine is told apart by it.
func engineName() string { return "opa/" + version.Version }

// capabilities are the engine's, without every builtin whose answer does not follow from its arguments: a rule that
// uses one is refused when the bundle is loaded.
func capabilities() *ast.Capabilities {
	caps := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
	caps.Builtins = slices.DeleteFunc(caps.Builtins, func(b *ast.Builtin) bool {
		return b.Nondeterministic || slices.Contains(impure(), b.Name)
	})
	caps.AllowNet = []string{}
	return caps
}

// impure names builtins that OPA does not mark although they read the clock or the machine: certificates are verified
// at the current time, time.* with a zone name may follow the machine's zone, trace writes.
func impure() []string {
	return []string{
		"crypto.x509.parse_and_verify_certificates",
		"crypto.x509.parse_and_verify_certificates_with_options",
		"time.clock", "time.date", "time.format", "time.weekday", "time.add_date", "time.diff", "time.parse_ns",
		"trace", "print",
	}
}
