package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/efa-broker/efa-broker/adapters/backoffice"
	"github.com/efa-broker/efa-broker/contracts"
	"github.com/efa-broker/efa-broker/contracts/authority"
)

// files is the directory in which the offices file what they obtained; empty files nothing.
type files string

// keep writes the n-th form of a delivery to DIR/<authority>/<delivery>.json (further ones: <delivery>.<n>.json). A
// repeated fetch replaces the file.
func (d files) keep(office authority.ID, deliveryID string, n int, got backoffice.Fetched) error {
	if d == "" {
		return nil
	}
	name := deliveryID + ".json"
	if n > 0 {
		name = fmt.Sprintf("%s.%d.json", deliveryID, n)
	}
	raw, err := json.Marshal(got)
	if err != nil {
		return contracts.Errorf(contracts.Internal, "file delivery", "%w", err)
	}
	dir := filepath.Join(string(d), string(office))
	if err := write(dir, name, raw); err != nil {
		return contracts.Errorf(contracts.Internal, "file delivery", "%w", err)
	}
	return nil
}

// write replaces a file as a whole: a reader sees the old one or the new one.
func write(dir, name string, raw []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
