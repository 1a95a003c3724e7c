package law

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"go.yaml.in/yaml/v3"
)

//go:embed data
var embedded embed.FS

// source is where the records come from: the embedded files, or a test's.
type source struct{ files fs.FS }

// readTable reads a CSV file whose first line must be exactly the columns given; each record maps column to value.
func (s source) readTable(name string, columns ...string) ([]map[string]string, error) {
	raw, err := fs.ReadFile(s.files, "data/"+name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r := csv.NewReader(bytes.NewReader(raw))
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read %s: header: %w", name, err)
	}
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("read %s: columns are %q, want %q", name, head, columns)
	}
	var out []map[string]string
	for {
		line, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		record := make(map[string]string, len(columns))
		for i, c := range columns {
			record[c] = line[i]
		}
		out = append(out, record)
	}
}

// readYAML reads a YAML file into out and refuses members that out does not have.
func (s source) readYAML(name string, out any) error {
	raw, err := fs.ReadFile(s.files, "data/"+name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(out); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
