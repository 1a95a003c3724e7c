package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// publiccode is what the standard demands of publiccode.yml, version 0.5; other keys are left alone.
type publiccode struct {
	Version           string   `yaml:"publiccodeYmlVersion"`
	Name              string   `yaml:"name"`
	URL               string   `yaml:"url"`
	Platforms         []string `yaml:"platforms"`
	DevelopmentStatus string   `yaml:"developmentStatus"`
	SoftwareType      string   `yaml:"softwareType"`
	Description       map[string]struct {
		Short    string   `yaml:"shortDescription"`
		Long     string   `yaml:"longDescription"`
		Features []string `yaml:"features"`
	} `yaml:"description"`
	Legal struct {
		License string `yaml:"license"`
	} `yaml:"legal"`
	Maintenance struct {
		Type        string                         `yaml:"type"`
		Contacts    []struct{ Name string }        `yaml:"contacts"`
		Contractors []struct{ Name, Until string } `yaml:"contractors"`
	} `yaml:"maintenance"`
	Localisation struct {
		Ready     *bool    `yaml:"localisationReady"`
		Languages []string `yaml:"availableLanguages"`
	} `yaml:"localisation"`
}

// faults lists everything that the standard would refuse.
func (p publiccode) faults() []string {
	var found []string
	demand := func(ok bool, what string) {
		if !ok {
			found = append(found, what)
		}
	}
	demand(strings.HasPrefix(p.Version, "0."), "publiccodeYmlVersion")
	demand(p.Name != "", "name")
	demand(strings.HasPrefix(p.URL, "https://"), "url")
	demand(len(p.Platforms) > 0, "platforms")
	demand(slices.Contains([]string{"concept", "development", "beta", "stable", "obsolete"}, p.DevelopmentStatus), "developmentStatus")
	demand(slices.Contains([]string{"standalone/backend", "standalone/web"}, p.SoftwareType), "softwareType")
	demand(len(p.Description) > 0, "description")
	for language, d := range p.Description {
		short, long := utf8.RuneCountInString(d.Short), utf8.RuneCountInString(d.Long)
		demand(short > 0 && short <= 150, fmt.Sprintf("description/%s/shortDescription: %d characters", language, short))
		demand(long >= 150 && long <= 10000, fmt.Sprintf("description/%s/longDescription: %d characters", language, long))
		demand(len(d.Features) > 0, "description/"+language+"/features")
	}
	demand(p.Legal.License != "", "legal/license")
	switch p.Maintenance.Type {
	case "internal", "community":
		demand(len(p.Maintenance.Contacts) > 0, "maintenance/contacts")
	case "contract":
		demand(len(p.Maintenance.Contractors) > 0, "maintenance/contractors")
	default:
		demand(p.Maintenance.Type == "none", "maintenance/type")
	}
	demand(p.Localisation.Ready != nil, "localisation/localisationReady")
	demand(len(p.Localisation.Languages) > 0, "localisation/availableLanguages")
	return found
}

func TestPubliccodeHasAllMandatoryKeys(t *testing.T) {
	t.Parallel()
	text := readRoot(t, "publiccode.yml")
	var p publiccode
	if err := yaml.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if faults := p.faults(); faults != nil {
		t.Errorf("publiccode.yml: %s", strings.Join(faults, "; "))
	}
	if p.Legal.License != "EUPL-1.2" {
		t.Errorf("license = %q, want that of LICENSE", p.Legal.License)
	}
	if empty := (publiccode{}).faults(); len(empty) < 11 {
		t.Errorf("an empty file has only %d faults: %v", len(empty), empty)
	}
}

func TestLicenseIsTheWholeEUPL(t *testing.T) {
	t.Parallel()
	text := readRoot(t, "LICENSE")
	for article := 1; article <= 15; article++ {
		if !strings.Contains(text, fmt.Sprintf("\n%d.", article)) {
			t.Errorf("LICENSE lacks article %d", article)
		}
	}
	for _, part := range []string{"EUROPEAN UNION PUBLIC LICENCE v. 1.2", "Appendix", "LiLiQ-R+"} {
		if !strings.Contains(text, part) {
			t.Errorf("LICENSE lacks %q", part)
		}
	}
}

// readRoot reads a file of the module's root.
func readRoot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
