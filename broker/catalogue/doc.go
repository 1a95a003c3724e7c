// Package catalogue owns what is offered: service packages, whose rules and process definitions are immutable rows by the SHA-256 of
// the resolved document (DESIGN decision 8). A case keeps its definition for life; a later version of the product only
// adds rows.
package catalogue
