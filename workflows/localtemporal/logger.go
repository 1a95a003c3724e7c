package localtemporal

import (
	"log/slog"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger hands the server's errors to slog and drops the rest: at warn the server is noisy without a fault.
type logger struct {
	slog *slog.Logger
}

var _ log.Logger = logger{}

// fatal is what the server gave up for. It panics with it where it would have ended the process.
type fatal string

func (l logger) Debug(string, ...tag.Tag) {}
func (l logger) Info(string, ...tag.Tag)  {}
func (l logger) Warn(string, ...tag.Tag)  {}

func (l logger) Error(msg string, tags ...tag.Tag)  { l.write(msg, tags) }
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.write(msg, tags) }

func (l logger) Panic(msg string, tags ...tag.Tag) {
	l.write(msg, tags)
	panic(fatal(msg))
}

func (l logger) Fatal(msg string, tags ...tag.Tag) { l.Panic(msg, tags...) }

func (l logger) write(msg string, tags []tag.Tag) {
	args := make([]any, 0, len(tags)+1)
	args = append(args, slog.String("message", msg))
	for _, t := range tags {
		args = append(args, slog.Any(t.Key(), t.Value()))
	}
	l.slog.Error("process engine reports an error", args...)
}
