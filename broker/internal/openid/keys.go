package openid

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// ErrKeyFile is a key file that others may read, or that holds no private ES256 key.
var ErrKeyFile = errors.New("key file must have mode 0600 and hold a private ES256 key")

// clientFile is DATA/clients/<client id>.json, from which a client makes its assertions.
type clientFile struct {
	ClientID string          `json:"client_id"`
	Key      jose.JSONWebKey `json:"key"`
}

// EnsureClientKey returns the public key of a client whose private key lies in dir/<id>.json, mode 0600, as
// {"client_id", "key"}; it makes key and file when there is none. The file appears whole or not at all.
func EnsureClientKey(dir, id string) (jose.JSONWebKey, error) {
	if id == "" || id != filepath.Base(id) || id[0] == '.' {
		return jose.JSONWebKey{}, fmt.Errorf("ensure key of client %q: %w", id, ErrClient)
	}
	path := filepath.Join(dir, id+".json")
	var f clientFile
	err := readPrivate(path, &f)
	if errors.Is(err, fs.ErrNotExist) {
		f = clientFile{ClientID: id}
		if f.Key, err = newKey(); err == nil {
			err = writePrivate(path, f)
		}
	}
	if err == nil && (f.ClientID != id || !isSigningKey(f.Key)) {
		err = ErrKeyFile
	}
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("ensure key of client %s: %w", id, err)
	}
	return f.Key.Public(), nil
}

// ensureSigningKey reads or makes the provider's own key.
func ensureSigningKey(path string) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	err := readPrivate(path, &key)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = newKey(); err == nil {
			err = writePrivate(path, key)
		}
	}
	if err == nil && !isSigningKey(key) {
		err = ErrKeyFile
	}
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("ensure signing key: %w", err)
	}
	return key, nil
}

func newKey() (jose.JSONWebKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("generate key: %w", err)
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(jose.ES256), Use: "sig"}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("name key: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return key, nil
}

func isSigningKey(k jose.JSONWebKey) bool {
	private, ok := k.Key.(*ecdsa.PrivateKey)
	return ok && private.Curve == elliptic.P256() && k.KeyID != ""
}

// algorithmOf is the one algorithm that a client's key may be used with; "" for a key that is not accepted. It comes
// from the key, never from a token, so an assertion cannot choose a weaker one.
func algorithmOf(k jose.JSONWebKey) jose.SignatureAlgorithm {
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return jose.ES256
		}
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 {
			return jose.PS256
		}
	}
	return ""
}

func readPrivate(path string, into any) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return ErrKeyFile
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the path comes from the configuration and a checked id
	if err != nil {
		return fmt.Errorf("read key file: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errors.Join(ErrKeyFile, err)
	}
	return nil
}

// writePrivate writes value as JSON with mode 0600 and makes it durable under its name in one step.
func writePrivate(path string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return replaceFile(path, append(raw, '\n'))
}

func replaceFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write file: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory comes from the configuration
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
