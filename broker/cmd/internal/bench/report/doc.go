// Package report is what a benchmark says: figures with their baselines, ratios and targets, on which machine and in
// which form they were measured, as JSON for machines and as a table for people. It must not measure anything itself.
package report
