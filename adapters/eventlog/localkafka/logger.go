package localkafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// brokerLogger passes kfake's messages on. They name groups, topics and clients, and no content of records.
type brokerLogger struct {
	logger *slog.Logger
}

// Logf implements kfake.Logger. What kfake calls informational is a line for each request.
func (b brokerLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	at := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		at = slog.LevelError
	case kfake.LogLevelWarn:
		at = slog.LevelWarn
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
	ctx := context.Background() // kfake hands none over
	if b.logger.Enabled(ctx, at) {
		b.logger.Log(ctx, at, "embedded kafka reports", "detail", fmt.Sprintf(format, args...))
	}
}
