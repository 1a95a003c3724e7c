package client_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/api/client"
)

func TestCredentialsSurviveTheirFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "office.json")
	want := generate(t, "gewerbeamt-muenchen")
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %04o, want 0600", info.Mode().Perm())
	}
	got, err := client.ReadCredentials(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.ClientID != want.ClientID || got.Key.KeyID != want.Key.KeyID {
		t.Errorf("read %s %s, want %s %s", got.ClientID, got.Key.KeyID, want.ClientID, want.Key.KeyID)
	}
	if err := want.Save(path); err == nil {
		t.Error("a second save replaced the key")
	}
}

func TestReadCredentialsRefuses(t *testing.T) {
	t.Parallel()
	good := filepath.Join(t.TempDir(), "good.json")
	if err := generate(t, "zoll").Save(good); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	public, err := generate(t, "zoll").Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		mode os.FileMode
		body string
		want contracts.Kind
		text string
	}{
		{"a file that the group may read", 0o640, string(raw), contracts.Denied, "chmod 600"},
		{"a file that everybody may read", 0o644, string(raw), contracts.Denied, "mode 0644"},
		{"what is no JSON", 0o600, "key", contracts.Invalid, "no credentials file"},
		{"a file without client id", 0o600, strings.Replace(string(raw), "client_id", "id", 1), contracts.Invalid, "client_id is missing"},
		{"a public key", 0o600, `{"client_id":"zoll","key":` + string(public) + `}`, contracts.Invalid, "no private JWK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "c.json")
			if err := os.WriteFile(path, []byte(tt.body), tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := client.ReadCredentials(path)
			if contracts.KindOf(err) != tt.want || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v (%s), want %s with %q", err, contracts.KindOf(err), tt.want, tt.text)
			}
		})
	}
	_, err = client.ReadCredentials(filepath.Join(t.TempDir(), "absent.json"))
	if contracts.KindOf(err) != contracts.NotFound {
		t.Errorf("a missing file is %s, want not_found", contracts.KindOf(err))
	}
}

func TestCredentialsAreRedactedInLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := generate(t, "zoll")
	slog.New(slog.NewJSONHandler(&out, nil)).Info("start", "client", c)
	if !strings.Contains(out.String(), `"client":"zoll"`) || strings.Contains(out.String(), c.Key.KeyID) {
		t.Errorf("log line shows %s", out.String())
	}
}

func generate(t *testing.T, id string) client.Credentials {
	t.Helper()
	c, err := client.Generate(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
