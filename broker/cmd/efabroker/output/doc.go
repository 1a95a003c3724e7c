// Package output writes results of the command line: JSON with the names of contracts for machines, aligned tables for
// people. It must not know what it prints.
package output
