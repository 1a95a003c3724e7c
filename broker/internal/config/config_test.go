package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"

	"github.com/efa-broker/efa-broker/broker/internal/config"
	"github.com/efa-broker/efa-broker/contracts"
)

var update = flag.Bool("update", false, "rewrite golden files")

// load loads a client's configuration from a file, variables and arguments.
func load(t *testing.T, file string, environ, args []string) (config.Client, config.Origins, error) {
	t.Helper()
	var c config.Client
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(fs, &c)
	if file != "" {
		args = append(args, "--config", write(t, file, 0o600))
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	origins, err := config.Load(&c, config.Source{Environ: environ, Flags: fs})
	return c, origins, err
}

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNothingSetMeansTheDefaults(t *testing.T) {
	t.Parallel()
	got, origins, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Client{
		Data: "./data", Client: "operator-bayern", Portal: "portal-bayern", Output: "text", Timeout: 45 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if origins["data"] != "default" || got.ClientsDir() != filepath.Join("data", "clients") {
		t.Errorf("origin %q, clients in %s", origins["data"], got.ClientsDir())
	}
	var s config.Standalone
	if _, err := config.Load(&s, config.Source{}); err != nil {
		t.Fatalf("the broker does not start without configuration: %v", err)
	}
	if s.Listen != "127.0.0.1:8080" || s.Log.Level != "info" || s.ShutdownTimeout != 20*time.Second {
		t.Errorf("defaults are %+v", s)
	}
}

func TestLaterLayersWin(t *testing.T) {
	t.Parallel()
	file := "data: /from/file\nclient: from-file\nportal: from-file\n"
	got, origins, err := load(t, file, []string{"EFA_CLIENT=from-env", "EFA_PORTAL=from-env", "PATH=/bin"}, []string{"--portal", "from-flag"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Data != "/from/file" || got.Client != "from-env" || got.Portal != "from-flag" {
		t.Errorf("got %s, %s, %s", got.Data, got.Client, got.Portal)
	}
	want := []string{"file", "environment", "flag", "default"}
	if diff := cmp.Diff(want, []string{origins["data"], origins["client"], origins["portal"], origins["output"]}); diff != "" {
		t.Error(diff)
	}
}

func TestNestedKeysComeFromEveryLayer(t *testing.T) {
	t.Parallel()
	var s config.Standalone
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(fs, &s)
	if err := fs.Parse([]string{"--log-format=json", "--exit", "--config", write(t, "log:\n  level: debug\nallow_remote: true\nbacklog_max: 7\n", 0o600)}); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(&s, config.Source{Flags: fs, Environ: []string{"EFA_KAFKA_LISTEN=0.0.0.0:0", "EFA_LOG_LEVEL=warn"}}); err != nil {
		t.Fatal(err)
	}
	if s.Log.Level != "warn" || s.Log.Format != "json" || !s.Exit || !s.AllowRemote || s.BacklogMax != 7 || s.KafkaListen != "0.0.0.0:0" {
		t.Errorf("got %+v", s)
	}
}

func TestEveryFaultIsReportedAtOnceWithWhatToDo(t *testing.T) {
	t.Parallel()
	_, _, err := load(t, "datta: x\noutput: 7\nlog:\n  level: info\n", []string{"EFA_TIMEOUT=soon", "EFA_SERVR=x", "EFA_ALLOW_HTTP=perhaps"},
		[]string{"--server", "http://broker.example", "--client", ""})
	if contracts.KindOf(err) != contracts.Invalid {
		t.Fatalf("got %v, want invalid", err)
	}
	var got []string
	for _, p := range contracts.ProblemsOf(err) {
		got = append(got, p.Pointer+": "+p.Detail)
	}
	want := []string{
		"datta: is no setting (file); did you mean data?",
		"log.level: is no setting (file); the reference lists all: efabroker config --reference",
		"EFA_SERVR: is no setting (environment); did you mean EFA_SERVER?",
		"output: is no text; put it into quotes (file)",
		"timeout: is no duration; want a number with its unit, such as 45s or 2m (environment)",
		"allow_http: is neither yes nor no; want true or false (environment)",
		"issuer: is missing beside server; tokens of another provider would be sent there; set issuer, or token",
		"server: is plain http to another machine; use https, or set allow_http inside a network that encrypts by itself",
		"client: is empty; name a client, or leave it out for operator-bayern",
		"timeout: is too short; the broker may hold an answer for 30s; want more, such as 45s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStandaloneRefusesIncoherentAddresses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		environ []string
		want    []string
	}{
		"no port":             {[]string{"EFA_LISTEN=localhost"}, []string{"listen"}},
		"another machine":     {[]string{"EFA_LISTEN=0.0.0.0:8080", "EFA_KAFKA_LISTEN=:9092"}, []string{"listen", "kafka_listen"}},
		"the same port twice": {[]string{"EFA_KAFKA_LISTEN=127.0.0.1:8080"}, []string{"kafka_listen"}},
		"free ports":          {[]string{"EFA_LISTEN=127.0.0.1:0", "EFA_KAFKA_LISTEN=[::1]:0", "EFA_TEMPORAL_LISTEN=localhost:0"}, nil},
		"no collector":        {[]string{"EFA_OTLP_ENDPOINT=collector:4318"}, []string{"otlp_endpoint"}},
		"a distant collector": {[]string{"EFA_OTLP_ENDPOINT=http://collector.example:4318"}, []string{"otlp_endpoint"}},
		"a near collector":    {[]string{"EFA_OTLP_ENDPOINT=http://127.0.0.1:4318"}, nil},
		"no room":             {[]string{"EFA_BACKLOG_MAX=0"}, []string{"backlog_max"}},
		"no number":           {[]string{"EFA_BACKLOG_MAX=many"}, []string{"backlog_max", "backlog_max"}},
		"no time to stop":     {[]string{"EFA_SHUTDOWN_TIMEOUT=10ms", "EFA_DATA="}, []string{"data", "shutdown_timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(&config.Standalone{}, config.Source{Environ: tt.environ})
			var got []string
			for _, p := range contracts.ProblemsOf(err) {
				got = append(got, p.Pointer)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%v: %s", err, diff)
			}
		})
	}
}

func TestASecretComesFromItsFile(t *testing.T) {
	t.Parallel()
	path := write(t, "s3cret\n", 0o600)
	got, _, err := load(t, "", []string{"EFA_TOKEN_FILE=" + path}, nil)
	if err != nil || got.Token != "s3cret" {
		t.Errorf("from the environment: %q, %v", got.Token, err)
	}
	got, _, err = load(t, "token_file: "+path+"\n", nil, nil)
	if err != nil || got.Token != "s3cret" {
		t.Errorf("from the file: %q, %v", got.Token, err)
	}
	for name, environ := range map[string][]string{
		"both":     {"EFA_TOKEN=a", "EFA_TOKEN_FILE=" + path},
		"readable": {"EFA_TOKEN_FILE=" + write(t, "s3cret", 0o644)},
		"absent":   {"EFA_TOKEN_FILE=" + filepath.Join(t.TempDir(), "none")},
	} {
		_, _, err := load(t, "", environ, nil)
		if p := contracts.ProblemsOf(err); len(p) != 1 || p[0].Pointer != "token_file" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEffectiveValuesHideSecretsAndLoadAgain(t *testing.T) {
	t.Parallel()
	c, origins, err := load(t, "", []string{"EFA_TOKEN=s3cret", "EFA_OUTPUT=json"}, []string{"--allow-http"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := config.WriteYAML(&out, config.Effective(&c, origins)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "s3cret") || !strings.Contains(out.String(), `token: "(hidden)" # environment`) ||
		!strings.Contains(out.String(), "allow_http: true # flag") {
		t.Errorf("shown is\n%s", out.String())
	}
	again, _, err := load(t, out.String(), nil, nil)
	c.Token = "(hidden)"
	if diff := cmp.Diff(c, again); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	var s config.Standalone
	origins, err = config.Load(&s, config.Source{})
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := config.WriteYAML(&out, config.Effective(&s, origins)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "log:\n  level: \"info\" # default\n  format: \"text\" # default\n") {
		t.Errorf("shown is\n%s", out.String())
	}
}

func TestAFileThatIsNoConfigurationIsOneProblem(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"no mapping": "- a\n", "twice": "data: a\ndata: b\n", "no YAML": "data: [\n"} {
		if _, _, err := load(t, text, nil, nil); len(contracts.ProblemsOf(err)) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var c config.Client
	_, err := config.Load(&c, config.Source{Environ: []string{"EFA_CONFIG=" + filepath.Join(t.TempDir(), "none.yaml")}})
	if len(contracts.ProblemsOf(err)) != 1 {
		t.Errorf("a missing file: %v", err)
	}
}

func TestReferenceAndSchemasAreCurrent(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	if err := config.Reference(&page); err != nil {
		t.Fatal(err)
	}
	golden(t, "reference.md", page.Bytes())
	for _, p := range config.Programs() {
		raw, err := config.Schema(p)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, p.Name+".schema.json", raw)
	}
}

func TestSchemaAcceptsTheEffectiveFileAndRefusesUnknownKeys(t *testing.T) {
	t.Parallel()
	raw, err := config.Schema(config.Programs()[1])
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:config", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("urn:config")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{"data":"./data","exit":true,"shutdown_timeout":"1m30s","log":{"level":"debug"}}`: true,
		`{"datta":"./data"}`:          false,
		`{"log":{"level":"loud"}}`:    false,
		`{"shutdown_timeout":"soon"}`: false,
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date (go test -update): %s", path, diff)
	}
}
