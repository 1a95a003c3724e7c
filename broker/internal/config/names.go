package config

import (
	"strings"

	"github.com/efa-broker/efa-broker/contracts"
)

// fileSuffix marks the setting that names a file which holds a secret.
const fileSuffix = "_file"

// names maps environment variables to keys. A variable that only another program of this product knows is left out; one
// that no program knows keeps its name and is then reported as unknown.
func names(settings []setting) func(name, value string) (string, any) {
	own, others := map[string]string{}, map[string]bool{prefix + "CONFIG": true}
	for _, s := range settings {
		own[s.env()] = s.key
		if s.secret {
			own[s.env()+strings.ToUpper(fileSuffix)] = s.key + fileSuffix
		}
	}
	for _, p := range Programs() {
		for _, s := range settingsOf(p.Settings) {
			others[s.env()] = true
			others[s.env()+strings.ToUpper(fileSuffix)] = s.secret
		}
	}
	return func(name, value string) (string, any) {
		if key, ok := own[name]; ok {
			return key, value
		}
		if others[name] {
			return "", nil
		}
		return name, value
	}
}

// known separates the values of one layer into those of settings and faults: unknown keys, and secrets that cannot be
// read from their file.
func known(layerName string, all map[string]any, settings []setting) (map[string]any, []contracts.Problem) {
	found := map[string]any{}
	var problems []contracts.Problem
	rest := map[string]any{}
	for k, v := range all {
		if v != nil { // a key without a value sets nothing
			rest[k] = v
		}
	}
	for _, s := range settings {
		if v, ok := rest[s.key]; ok {
			found[s.key] = v
			delete(rest, s.key)
		}
		path, ok := rest[s.key+fileSuffix]
		if !s.secret || !ok {
			continue
		}
		delete(rest, s.key+fileSuffix)
		secret, problem := readSecret(s, path, found[s.key] != nil)
		if problem != "" {
			problems = append(problems, contracts.Problem{Pointer: s.key + fileSuffix, Detail: problem})
			continue
		}
		found[s.key] = secret
	}
	for key := range rest {
		problems = append(problems, contracts.Problem{Pointer: key, Detail: "is no setting (" + layerName + ")" + near(key, settings)})
	}
	return found, sorted(problems)
}

// near suggests the setting that was probably meant.
func near(key string, settings []setting) string {
	best, distance := "", 4
	for _, s := range settings {
		name := s.key
		if strings.HasPrefix(key, prefix) {
			name = s.env()
		}
		if d := levenshtein(key, name); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return "; the reference lists all: efabroker config --reference"
	}
	return "; did you mean " + best + "?"
}

// levenshtein counts the single edits between two short names.
func levenshtein(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
