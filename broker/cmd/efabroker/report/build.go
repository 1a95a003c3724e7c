package report

import (
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/efa-broker/efa-broker/broker/internal/sqlstore"
)

// Build says what this program was built from.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Schema is the newest migration of the ledger that the program knows.
	Schema string `json:"schema"`
}

// BuildOf reads it from the program itself.
func BuildOf() Build {
	b := Build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Schema: strconv.FormatInt(sqlstore.Version(), 10)}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	dirty := ""
	for _, v := range info.Settings {
		switch v.Key {
		case "vcs.revision":
			b.Revision = v.Value
		case "vcs.modified":
			if v.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	b.Revision += dirty
	return b
}
