package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set writes raw, from YAML or a text, into the field. The error says what would be right; it does not repeat the value,
// which may be a secret.
func (s setting) set(raw any) error {
	switch s.kind() {
	case "boolean":
		return s.setBool(raw)
	case "duration":
		return s.setDuration(raw)
	case "integer":
		return s.setInteger(raw)
	}
	text, ok := raw.(string)
	if !ok {
		return errors.New("is no text; put it into quotes")
	}
	if len(s.enum) > 0 && !slices.Contains(s.enum, text) {
		return fmt.Errorf("is not allowed; want one of: %s", strings.Join(s.enum, ", "))
	}
	s.value.SetString(text)
	return nil
}

func (s setting) setBool(raw any) error {
	if b, ok := raw.(bool); ok {
		s.value.SetBool(b)
		return nil
	}
	text, _ := raw.(string)
	b, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("is neither yes nor no; want true or false")
	}
	s.value.SetBool(b)
	return nil
}

func (s setting) setDuration(raw any) error {
	text, _ := raw.(string)
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("is no duration; want a number with its unit, such as 45s or 2m")
	}
	s.value.SetInt(int64(d))
	return nil
}

func (s setting) setInteger(raw any) error {
	n, err := strconv.ParseInt(fmt.Sprint(raw), 10, 64)
	if err != nil {
		return errors.New("is no whole number; want digits only, such as 100000")
	}
	s.value.SetInt(n)
	return nil
}

// text is the value as a layer would write it.
func (s setting) text() string {
	if s.kind() == "duration" {
		return shortDuration(time.Duration(s.value.Int()))
	}
	return fmt.Sprint(s.value.Interface())
}

// shortDuration drops the zero units that time.Duration shows: 1m0s is 1m.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
