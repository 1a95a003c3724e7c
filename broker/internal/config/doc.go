// Package config is where a setting is written once: a field of Client (the command line), Standalone (the whole broker
// in one process) or Provider (its OpenID provider as a process) with its key, default and meaning. Flags, EFA_…
// variables, YAML keys, the reference page, the JSON Schema and the list of effective values are derived from it.
//
//	layer, later wins   where                      names for the field log.level
//	default             the field's tag
//	file                --config or EFA_CONFIG     log: { level: … }
//	environment         EFA_…                      EFA_LOG_LEVEL
//	flag                the command line           --log-level
//
// A field's tags:
//
//	key       name in the file; words are joined by "_", levels by "."
//	doc       what it is and when to change it, in full sentences
//	default   the value when no layer sets it
//	fallback  in words, what applies when the value is empty
//	enum      the allowed values, separated by commas
//	secret    never shown and no flag; <key>_file and EFA_<KEY>_FILE name a file that holds it
//
// Unknown keys are errors, and Load reports every fault at once. The package must not know what a setting is for beyond
// Validate.
package config
