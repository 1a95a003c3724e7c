package httpserver

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// traceOf is the W3C trace context of a request: the caller's where its traceparent header holds one, else one that
// begins here. The first comes with its trace id, which is what log lines carry.
//
// The header is a caller's text and goes into events, so nothing but hexadecimal digits in their places is taken. A header
// of a later version is read as version 00, whose members come first in every version.
func traceOf(h http.Header) (parent, traceID string) {
	if values := h.Values("Traceparent"); len(values) == 1 {
		if parent, traceID, ok := parseTraceParent(values[0]); ok {
			return parent, traceID
		}
	}
	var random [24]byte
	_, _ = rand.Read(random[:]) // it never fails
	traceID = hex.EncodeToString(random[:16])
	return "00-" + traceID + "-" + hex.EncodeToString(random[16:]) + "-00", traceID
}

// parseTraceParent reads "version-traceid-parentid-flags" (W3C Trace Context § 3.2.2).
func parseTraceParent(s string) (parent, traceID string, ok bool) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(s) < length || len(s) > length && (s[:2] == "00" || s[length] != '-') {
		return "", "", false
	}
	parts := strings.Split(s[:length], "-")
	if len(parts) != 4 || parts[0] == "ff" || blank(parts[1]) || blank(parts[2]) {
		return "", "", false
	}
	for i, width := range []int{2, 32, 16, 2} {
		if len(parts[i]) != width || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return "", "", false
		}
	}
	return "00-" + strings.Join(parts[1:], "-"), parts[1], true
}

// blank is an id of zeros, which the norm calls invalid.
func blank(id string) bool { return strings.Trim(id, "0") == "" }
