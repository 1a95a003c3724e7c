// Package eventlogtest is the suite that every implementation of eventlog.Log passes. It knows the contract and nothing
// else: a log comes from the open function of the implementation's test, and Features says what that log can do.
package eventlogtest
