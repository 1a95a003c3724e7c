// Package failure says errors to people and machines: kind, exit code and what to do.
package failure
