package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets tests run the program as a process of its own, as a user does.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"standalone": main}) }
