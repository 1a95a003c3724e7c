// Package contracts is the head of the shared language: the closed set of error kinds that every room of the house
// speaks. The nouns of the field live in the packages below it, one noun each.
//
// It owns no behaviour besides errors and must not import a sibling (policies, workflows, adapters, broker).
package contracts
