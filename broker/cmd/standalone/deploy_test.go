package main_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads a compose file as the engine would, with every profile: unknown keys, services, networks, volumes,
// secrets and missing variables are errors.
func loadCompose(ctx context.Context, root string, text []byte) (*types.Project, error) {
	return loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir: root, Environment: types.Mapping{},
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(root, "docker-compose.yml"), Content: text}},
	}, func(o *loader.Options) { o.Profiles = []string{"*"} })
}

// faultsOf lists what the form of the file does not forbid and this house does.
func faultsOf(p *types.Project) []string {
	var out []string
	for name, s := range p.Services {
		fault := func(wrong bool, what string) {
			if wrong {
				out = append(out, name+": "+what)
			}
		}
		tag := s.Image[strings.LastIndex(s.Image, ":")+1:]
		fault(s.Build == nil && (!strings.Contains(s.Image, ":") || tag == "latest"), "the image has no tag that stays")
		job := s.Restart == "" || s.Restart == "no"
		fault(!job && s.HealthCheck == nil, "runs for ever without a health check")
		fault(!slices.Contains(s.CapDrop, "ALL"), "keeps capabilities")
		fault(!slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "may gain privileges")
		fault(!s.ReadOnly && name != "keycloak", "may write to its image")
		for key, value := range s.Environment {
			secret := strings.Contains(key, "PASSWORD") || strings.HasSuffix(key, "_PWD") || strings.HasSuffix(key, "_URL") && key != "KC_DB_URL"
			fault(secret && !strings.HasSuffix(key, "_FILE") && value != nil && *value != "", key+" holds a secret; want a file")
		}
		for _, port := range s.Ports {
			fault(port.HostIP != "127.0.0.1", "opens port "+port.Published+" to other machines")
		}
		for dependency, how := range s.DependsOn {
			on := p.Services[dependency]
			ends := on.Restart == "" || on.Restart == "no"
			fault(ends != (how.Condition == types.ServiceConditionCompletedSuccessfully), "waits for "+dependency+" under the wrong condition")
			fault(!ends && (how.Condition != types.ServiceConditionHealthy || on.HealthCheck == nil), "does not wait until "+dependency+" is healthy")
		}
	}
	for name, secret := range p.Secrets {
		if secret.File == "" {
			out = append(out, "secret "+name+" is no file")
		}
	}
	if back, there := p.Networks["back"]; !there || !back.Internal {
		out = append(out, "the network back can be reached from outside")
	}
	slices.Sort(out)
	return out
}

func TestComposeIsWellFormedAndKeepsTheRulesOfTheHouse(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	p, err := loadCompose(t.Context(), root, []byte(readRoot(t, "docker-compose.yml")))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faultsOf(p) {
		t.Error(fault)
	}
	want := []string{
		"broker-1", "broker-2", "kafka", "kafka-setup", "keycloak", "migrate", "postgres-keys", "postgres-ledger", "standalone", "temporal",
		"temporal-namespace", "temporal-schema", "worker",
	}
	if got := slices.Sorted(maps.Keys(p.Services)); !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
	for name, s := range p.Services {
		if s.Build != nil && !strings.Contains(readRoot(t, s.Build.Dockerfile), " AS "+s.Build.Target+"\n") {
			t.Errorf("service %s: %s has no stage %q", name, s.Build.Dockerfile, s.Build.Target)
		}
		for _, volume := range s.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("service %s mounts what is not there: %v", name, err)
			}
		}
	}
}

func TestEachFaultInComposeIsFound(t *testing.T) {
	t.Parallel()
	root, text := moduleRoot(t), readRoot(t, "docker-compose.yml")
	for name, c := range map[string]struct{ old, replacement, want string }{
		"misspelt key":          {"    stop_grace_period: 60s", "    stop_grace: 60s", "stop_grace"},
		"unknown service":       {"kafka: {condition: service_healthy}", "kafkaa: {condition: service_healthy}", "kafkaa"},
		"unknown secret":        {"secrets: [kafka-admin]", "secrets: [kafka-root]", "kafka-root"},
		"unknown volume":        {"- kafka:/var/lib/kafka/data", "- kafkas:/var/lib/kafka/data", "kafkas"},
		"moving tag":            {"apache/kafka:4.4.0", "apache/kafka:latest", "no tag that stays"},
		"no tag":                {"temporalio/server:1.32.1", "temporalio/server", "no tag that stays"},
		"waits too short":       {"postgres-ledger: {condition: service_healthy}", "postgres-ledger: {condition: service_started}", "until postgres-ledger is healthy"},
		"waits for ever":        {"kafka-setup: {condition: service_completed_successfully}", "kafka-setup: {condition: service_healthy}", "kafka-setup under the wrong condition"},
		"open network":          {"back: {internal: true}", "back: {internal: false}", "network back"},
		"port to the world":     {`"127.0.0.1:8081:8080"`, `"8081:8080"`, "opens port 8081"},
		"password in the file":  {"EFA_KAFKA_PASSWORD_FILE: /run/secrets/kafka-efa-broker", "EFA_KAFKA_PASSWORD: secret", "want a file"},
		"capabilities":          {"cap_drop: [ALL]", "cap_drop: [NET_RAW]", "keeps capabilities"},
		"an image that changes": {"read_only: true", "read_only: false", "may write to its image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := strings.Replace(text, c.old, c.replacement, 1)
			if broken == text {
				t.Fatalf("the file has no %q", c.old)
			}
			p, err := loadCompose(t.Context(), root, []byte(broken))
			var said string
			if err != nil {
				said = err.Error()
			} else {
				said = strings.Join(faultsOf(p), "\n")
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("the check says %q, want %q", said, c.want)
			}
		})
	}
}

// realm is what is read of Keycloak's realm file.
type realm struct {
	Realm   string `json:"realm"`
	Enabled bool   `json:"enabled"`
	Clients []struct {
		ClientID      string            `json:"clientId"`
		PublicClient  bool              `json:"publicClient"`
		Standard      bool              `json:"standardFlowEnabled"`
		Implicit      bool              `json:"implicitFlowEnabled"`
		Direct        bool              `json:"directAccessGrantsEnabled"`
		Service       bool              `json:"serviceAccountsEnabled"`
		Authenticator string            `json:"clientAuthenticatorType"`
		Secret        string            `json:"secret"`
		Redirects     []string          `json:"redirectUris"`
		Attributes    map[string]string `json:"attributes"`
		Mappers       []struct {
			Mapper string            `json:"protocolMapper"`
			Config map[string]string `json:"config"`
		} `json:"protocolMappers"`
	} `json:"clients"`
}

func TestTheRealmOfKeycloakFitsTheBroker(t *testing.T) {
	t.Parallel()
	var r realm
	if err := json.Unmarshal([]byte(readRoot(t, "deploy/keycloak/realm.json")), &r); err != nil {
		t.Fatal(err)
	}
	if !r.Enabled || !strings.Contains(readRoot(t, "docker-compose.yml"), "EFA_OPENID_ISSUER: http://keycloak:8080/realms/"+r.Realm+"\n") {
		t.Errorf("realm %q is not the brokers' issuer", r.Realm)
	}
	var ids []string
	for _, c := range r.Clients {
		ids = append(ids, c.ClientID)
		kind := map[bool]string{true: "person", false: "machine"}[c.PublicClient]
		claims := map[string]string{}
		for _, m := range c.Mappers {
			claims[m.Config["claim.name"]] = m.Config["claim.value"]
			if m.Mapper == "oidc-audience-mapper" {
				claims["aud"] = m.Config["included.custom.audience"]
			}
		}
		if claims["aud"] != "broker-api" || claims["kind"] != kind || !c.PublicClient && claims["client_id"] != c.ClientID {
			t.Errorf("tokens of %s have the claims %v", c.ClientID, claims)
		}
		if c.Implicit || c.Direct || c.Secret != "" || c.Standard != c.PublicClient || c.Service == c.PublicClient {
			t.Errorf("client %s has flows or a secret that it must not have", c.ClientID)
		}
		if c.PublicClient && c.Attributes["pkce.code.challenge.method"] != "S256" || !c.PublicClient && c.Authenticator != "client-jwt" {
			t.Errorf("client %s does not prove itself", c.ClientID)
		}
		for _, uri := range c.Redirects {
			if strings.Contains(uri, "*") {
				t.Errorf("client %s leads back to a pattern: %s", c.ClientID, uri)
			}
		}
	}
	if want := []string{"operator-bayern", "portal-bayern", "casework"}; !slices.Equal(ids, want) {
		t.Errorf("clients %v, want %v", ids, want)
	}
}

func TestLocalKafkaIsTheKafkaOfTheTests(t *testing.T) {
	t.Parallel()
	versions := regexp.MustCompile(`<artifactId>(kafka_2\.13|log4j-slf4j-impl)</artifactId>\s*<version>(\S+)</version>`)
	tests := versions.FindAllString(readRoot(t, "adapters/eventlog/kafkalog/testdata/pom.xml"), -1)
	local := versions.FindAllString(readRoot(t, "deploy/local/pom.xml"), -1)
	if len(tests) != 2 || !slices.Equal(tests, local) {
		t.Errorf("deploy/local runs %v, the tests %v", local, tests)
	}
	kafka := regexp.MustCompile(`kafka_2\.13</artifactId>\s*<version>(\S+)</version>`).FindStringSubmatch(readRoot(t, "deploy/local/pom.xml"))
	if kafka == nil || !strings.Contains(readRoot(t, "deploy/local/lib/kafka.sh"), "kafka_version="+kafka[1]+"\n") || !strings.Contains(readRoot(t, "docker-compose.yml"), "apache/kafka:"+kafka[1]+"\n") {
		t.Errorf("script, compose and pom do not name the same Kafka: %v", kafka)
	}
	server := regexp.MustCompile(`go\.temporal\.io/server (v\S+)`).FindStringSubmatch(readRoot(t, "go.mod"))
	if server == nil || !strings.Contains(readRoot(t, "deploy/local/lib/temporal.sh"), "temporal_version="+server[1]+"\n") {
		t.Errorf("deploy/local does not run the Temporal of the module: %v", server)
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
