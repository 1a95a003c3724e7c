package contracts

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what an error means for whoever has to act. The set is closed: the HTTP status, the retry behaviour of a
// consumer, the retry behaviour of an activity and the exit code of the command line all follow from the kind alone.
type Kind int

const (
	// Internal is a fault of the broker itself. Nobody outside can mend it; the log holds the cause.
	Internal Kind = iota
	// Invalid is input that can never be accepted as it is. Problems say where and what to do.
	Invalid
	// Unauthenticated is a caller whose token is missing, expired, replayed or not known here.
	Unauthenticated
	// Denied is a known caller who may not do this.
	Denied
	// NotFound is something that does not exist, or that the caller must not know to exist.
	NotFound
	// Conflict is a request that contradicts what the ledger already holds.
	Conflict
	// NotCompetent is a service and region for which no authority is known ("no route").
	NotCompetent
	// TooLarge is content or an event above its limit.
	TooLarge
	// Unsupported is a media type or version that the broker does not speak.
	Unsupported
	// Unavailable is a passing fault: the same request may succeed later.
	Unavailable
)

// String is the kind's word in logs and problem types.
func (k Kind) String() string {
	switch k {
	case Internal:
		return "internal"
	case Invalid:
		return "invalid"
	case Unauthenticated:
		return "unauthenticated"
	case Denied:
		return "denied"
	case NotFound:
		return "not_found"
	case Conflict:
		return "conflict"
	case NotCompetent:
		return "not_competent"
	case TooLarge:
		return "too_large"
	case Unsupported:
		return "unsupported"
	case Unavailable:
		return "unavailable"
	}
	return "internal"
}

// Problem is one fault in what the caller sent: where it is and what is wrong. It never repeats the faulty value,
// because that may be content of a person.
type Problem struct {
	// Pointer is a JSON pointer (RFC 6901) into the request body, or the name of a parameter or header.
	Pointer string `json:"pointer"`
	// Detail says what is wrong and what would be right.
	Detail string `json:"detail"`
}

// Error is an error with a kind, the operation that met it and the subject it is about.
type Error struct {
	// Kind decides what follows.
	Kind Kind
	// Op is the operation in the words of the domain: "accept submission".
	Op string
	// Subject is an id or a name from a closed list; never content of a person. May be empty.
	Subject string
	// Problems lists every fault of an Invalid request at once. May be empty.
	Problems []Problem
	// Err is the cause. May be nil.
	Err error
}

// Error renders operation, subject and cause, operation first.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	} else {
		b.WriteString(": " + e.Kind.String())
	}
	for _, p := range e.Problems {
		b.WriteString("; " + p.Pointer + ": " + p.Detail)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf builds an Error whose cause is formatted with fmt.Errorf, so %w works.
func Errorf(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Err: fmt.Errorf(format, args...)}
}

// Refuse builds an Error that lists everything that is wrong with what the caller sent.
func Refuse(kind Kind, op string, problems ...Problem) *Error {
	return &Error{Kind: kind, Op: op, Problems: problems}
}

// KindOf is the kind of the outermost Error in the chain; an error without one is Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// ProblemsOf collects the problems of the outermost Error in the chain that has any.
func ProblemsOf(err error) []Problem {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return nil
		}
		if len(e.Problems) > 0 {
			return e.Problems
		}
		err = e.Err
	}
	return nil
}
