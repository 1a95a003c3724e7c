package service_test

import (
	"testing"

	"github.com/efa-broker/efa-broker/contracts/service"
)

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := service.Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	list, err := service.Load()
	if err != nil {
		b.Fatal(err)
	}
	p := list[1]
	raw := p.Examples["01-einzelkauffrau.json"]
	for b.Loop() {
		if problems := p.Validate(raw); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
