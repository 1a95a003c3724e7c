package main_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// compose holds the keys that docker-compose.yml uses; any other key is an error, so a misspelt one is found.
type compose struct {
	Name     string                    `yaml:"name"`
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]struct{}       `yaml:"volumes"`
}

type composeService struct {
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
		Target     string `yaml:"target"`
	} `yaml:"build"`
	Command     []string `yaml:"command"`
	NetworkMode string   `yaml:"network_mode"`
	Volumes     []string `yaml:"volumes"`
	Tmpfs       []string `yaml:"tmpfs"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	StopGrace   string   `yaml:"stop_grace_period"`
	Restart     string   `yaml:"restart"`
}

func TestComposeNamesOnlyWhatTheDockerfileBuilds(t *testing.T) {
	t.Parallel()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(readRoot(t, "docker-compose.yml"))))
	decoder.KnownFields(true)
	var file compose
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) == 0 {
		t.Fatal("docker-compose.yml has no service")
	}
	for name, service := range file.Services {
		stages := readRoot(t, service.Build.Dockerfile)
		if !strings.Contains(stages, " AS "+service.Build.Target+"\n") {
			t.Errorf("service %s: %s has no stage %q", name, service.Build.Dockerfile, service.Build.Target)
		}
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, declared := file.Volumes[source]; !declared {
				t.Errorf("service %s: volume %q is not declared", name, source)
			}
		}
		if !service.ReadOnly || len(service.CapDrop) == 0 {
			t.Errorf("service %s may write to its image or keeps capabilities", name)
		}
	}
}

func TestDockerfileBuildsWithTheGoOfTheModule(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(readRoot(t, "go.mod"))
	if version == nil {
		t.Fatal("go.mod names no version")
	}
	file := readRoot(t, "deploy/Dockerfile")
	if !strings.Contains(file, "FROM golang:"+version[1]+"-") {
		t.Errorf("deploy/Dockerfile does not build with Go %s", version[1])
	}
	for _, match := range regexp.MustCompile(`\./broker/cmd/\w+`).FindAllString(file, -1) {
		if !hasGoFile(t, strings.TrimPrefix(match, "./")) {
			t.Errorf("deploy/Dockerfile builds %s, which has no program", match)
		}
	}
}

// hasGoFile reports whether the folder holds Go files that are no tests.
func hasGoFile(t *testing.T, folder string) bool {
	t.Helper()
	for _, file := range goFiles(t) {
		if strings.HasPrefix(file, folder+"/") && !strings.HasSuffix(file, "_test.go") {
			return true
		}
	}
	return false
}
