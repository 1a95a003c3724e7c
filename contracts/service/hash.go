package service

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/efa-broker/efa-broker/contracts/key"
)

// hash is the SHA-256 over names and contents of all files, in the order of their names, each with its length before
// it, so that no two packages share a preimage.
func hash(files map[string][]byte) string {
	h := sha256.New()
	add := func(part []byte) {
		h.Write(strconv.AppendInt(nil, int64(len(part)), 10))
		h.Write([]byte{':'})
		h.Write(part)
	}
	add([]byte("efa-package/1"))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		add([]byte(name))
		add(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// slug is the folder name of a service: its key, with a hyphen for the colon of a local key.
func slug(k key.ServiceKey) string { return strings.ReplaceAll(string(k), ":", "-") }
