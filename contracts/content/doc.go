// Package content names sealed objects. Events carry references to content, never content (DESIGN law 1).
package content
