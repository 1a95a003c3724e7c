package report

import (
	"runtime"
	"runtime/debug"
)

// Build says what this program was built from.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// BuildOf reads it from the program itself.
func BuildOf() Build {
	b := Build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
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
