// Package httpservertest helps to test handlers of the broker's domains behind the real chain of httpserver: callers by
// fixed tokens, an audit log in memory, and a check of every answer against the OpenAPI document. It serves tests only.
package httpservertest
