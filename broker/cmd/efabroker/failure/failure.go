package failure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

// exit is one line of the table of exit codes.
type exit struct {
	code    int
	meaning string
	// hint is what to do when the broker gave no hint of its own.
	hint string
}

// exitOf is the table: the kind alone decides.
func exitOf(kind contracts.Kind) exit {
	switch kind {
	case contracts.Invalid:
		return exit{2, "the command or what it was given is wrong", "mend what is named above; efabroker COMMAND --help shows how"}
	case contracts.Unauthenticated:
		return exit{3, "the broker does not know the key or token", "check --client and --clients; a new data directory has new keys"}
	case contracts.Denied:
		return exit{4, "the client may not do this, or a key file is another client's or readable by others", "use the key of an office with --as, or mode 0600 for key files"}
	case contracts.NotFound:
		return exit{5, "there is no such thing, or this client may not know of it", "check the id; list what this client may see"}
	case contracts.Conflict:
		return exit{6, "the ledger already holds something else", "look at what is there before you try again"}
	case contracts.NotCompetent:
		return exit{7, "no authority is known for this service and region", "ask with: efabroker competence find"}
	case contracts.TooLarge:
		return exit{8, "the input is too large", "send less"}
	case contracts.Unsupported:
		return exit{9, "the broker does not speak this media type or version", "use a version of efabroker that fits the broker"}
	case contracts.Unavailable:
		return exit{10, "the broker cannot be reached, or is busy", "is it running? try again"}
	case contracts.Internal:
	}
	return exit{1, "a fault of the program or the broker", "the broker's log holds the cause under the error id"}
}

// ExitCodes is the help topic.
func ExitCodes() string {
	var b strings.Builder
	b.WriteString("The exit code follows from the kind of the error alone.\n\n  0   done\n")
	for code := 1; code <= 10; code++ {
		for kind := contracts.Internal; kind <= contracts.Unavailable; kind++ {
			if e := exitOf(kind); e.code == code {
				fmt.Fprintf(&b, "  %-3d %-16s %s\n", code, kind, e.meaning)
			}
		}
	}
	return b.String()
}

// Failure is an error for machines.
type Failure struct {
	Error    string              `json:"error"`
	Kind     string              `json:"kind"`
	Problems []contracts.Problem `json:"problems"`
	Hint     string              `json:"hint"`
	ErrorID  string              `json:"error_id,omitempty"`
}

// Of is what the program says of err, and its exit code.
func Of(err error) (Failure, int) {
	known, ok := errors.AsType[*contracts.Error](err)
	if !ok { // cobra's own: unknown command, flag or argument
		known = contracts.Errorf(contracts.Invalid, "read command", "%w", err)
	}
	e := exitOf(known.Kind)
	plain := *known
	plain.Problems = nil
	f := Failure{Error: plain.Error(), Kind: known.Kind.String(), Problems: contracts.ProblemsOf(known), Hint: e.hint, ErrorID: client.ErrorIDOf(err)}
	if f.Problems == nil {
		f.Problems = []contracts.Problem{}
	}
	if hint := hintOf(err); hint != "" {
		f.Hint = hint
	}
	return f, e.code
}

// hintError carries a hint beside an error of this program.
type hintError struct {
	error
	hint string
}

// Unwrap returns the error.
func (h hintError) Unwrap() error { return h.error }

// Hinted adds a hint to err.
func Hinted(err error, hint string) error { return hintError{err, hint} }

func hintOf(err error) string {
	if h, ok := errors.AsType[hintError](err); ok {
		return h.hint
	}
	return client.HintOf(err)
}

// Usage is an error in how a command was called.
func Usage(hint, format string, args ...any) error {
	return Hinted(contracts.Errorf(contracts.Invalid, "read command", format, args...), hint)
}
