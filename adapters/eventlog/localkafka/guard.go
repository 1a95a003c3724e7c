package localkafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// guardCommits sets every committed offset that lies behind the end of its partition back to the beginning of the log.
// Such an offset means that records were lost which a group had already handled; the group must not wait for that end to
// be reached again, and what it gets twice it drops.
func guardCommits(ctx context.Context, addr string, logger *slog.Logger) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return fmt.Errorf("guard commits: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("guard commits: list groups: %w", err)
	}
	if len(groups) == 0 {
		return nil
	}
	starts, err := admin.ListStartOffsets(ctx)
	if err != nil {
		return fmt.Errorf("guard commits: list first offsets: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx)
	if err != nil {
		return fmt.Errorf("guard commits: list last offsets: %w", err)
	}
	for _, group := range groups.Groups() {
		committed, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return fmt.Errorf("guard commits: offsets of group %s: %w", group, err)
		}
		back := beyond(committed.Offsets(), starts, ends)
		for _, o := range back.Sorted() {
			was, _ := committed.Lookup(o.Topic, o.Partition)
			end, _ := ends.Lookup(o.Topic, o.Partition)
			logger.ErrorContext(ctx, "committed offset lies behind the log, the group starts at its beginning",
				"group", group, "topic", o.Topic, "partition", o.Partition, "committed", was.At, "end", end.Offset, "first", o.At)
		}
		if len(back) == 0 {
			continue
		}
		if err := admin.CommitAllOffsets(ctx, group, back); err != nil {
			return fmt.Errorf("guard commits: set back group %s: %w", group, err)
		}
	}
	return nil
}

// beyond returns the first offset of each partition whose committed offset lies behind its end. A topic that no longer
// exists has no end and is left alone.
func beyond(committed kadm.Offsets, starts, ends kadm.ListedOffsets) kadm.Offsets {
	back := kadm.Offsets{}
	committed.Each(func(o kadm.Offset) {
		end, known := ends.Lookup(o.Topic, o.Partition)
		start, alsoKnown := starts.Lookup(o.Topic, o.Partition)
		if known && alsoKnown && end.Err == nil && start.Err == nil && o.At > end.Offset {
			back.AddOffset(o.Topic, o.Partition, start.Offset, -1)
		}
	})
	return back
}
