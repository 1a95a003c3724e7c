package policies

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/efa-broker/efa-broker/contracts/law"
)

//go:embed rego
var embeddedRules embed.FS

// maxBundle bounds what a file of a bundle may hold when it is read.
const maxBundle = 8 << 20

// revisionOf names a bundle: the SHA-256 of its bytes.
func revisionOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// buildBundle packs rules and law into an OPA bundle. The same rules and law always give the same bytes: files are
// sorted, times are zero, and nothing is compressed, so the bytes do not depend on a compressor either.
func buildBundle(rules fs.FS, book law.Book) ([]byte, error) {
	files, err := bundleFiles(rules, book)
	if err != nil {
		return nil, err
	}
	return pack(files)
}

// bundleFiles are the files of a bundle by their path in it.
func bundleFiles(rules fs.FS, book law.Book) (map[string][]byte, error) {
	files, err := ruleFiles(rules)
	if err != nil {
		return nil, err
	}
	files[".manifest"] = []byte(`{"revision":"","roots":["efa","law"],"rego_version":1}`)
	if files["law/data.json"], err = json.Marshal(lawData(book)); err != nil {
		return nil, fmt.Errorf("encode law: %w", err)
	}
	return files, nil
}

// pack writes files as an archive whose bytes follow from their names and contents alone.
func pack(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	archive := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		if _, err := archive.Write(files[name]); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("close archive: %w", err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("close archive: %w", err)
	}
	return out.Bytes(), nil
}

// ruleFiles collects the rules without their tests, by their path in the bundle.
func ruleFiles(rules fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(rules, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
			return err
		}
		raw, err := fs.ReadFile(rules, path)
		files["efa/"+strings.TrimPrefix(path, "rego/")] = raw
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("collect rules: %w", err)
	}
	return files, nil
}

// readBundle reads what buildBundle wrote, now or years ago.
func readBundle(raw []byte) (bundle.Bundle, error) {
	loader := bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(raw), "")
	b, err := bundle.NewCustomReader(loader).
		WithCapabilities(capabilities()).
		WithProcessAnnotations(true).
		WithSizeLimitBytes(maxBundle).
		Read()
	if err != nil {
		return bundle.Bundle{}, fmt.Errorf("read bundle: %w", err)
	}
	return b, nil
}
