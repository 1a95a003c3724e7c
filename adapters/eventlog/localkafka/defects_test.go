package localkafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// A commit behind the end of the log may also come while the broker runs: nobody guards it then, and the consumer itself
// must not wait for ever.
func TestACommitBehindTheLogThatComesLaterHidesNothing(t *testing.T) {
	t.Parallel()
	h := startTest(t, t.TempDir())
	l := logOf(t, h)
	fill(t, l, 5, time.Now())
	o := kadm.Offsets{}
	o.AddOffset(testTopic, 0, 99, -1)
	if err := adminOf(t, h).CommitAllOffsets(t.Context(), "reader", o); err != nil {
		t.Fatal(err)
	}
	if got := consumeAll(t, l, 5); len(got) != 5 || got[0].Offset != 0 {
		t.Errorf("%d records came, the first with offset %d; want all 5", len(got), got[0].Offset)
	}
}

// kfake deletes old segments before it has written the compacted ones. It never gets there: nothing is compacted, also
// when a client asks for it.
func TestACompactedTopicKeepsEveryRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := startTest(t, dir)
	compact := "compact"
	if _, err := adminOf(t, h).CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &compact}, testTopic); err != nil {
		t.Fatal(err)
	}
	l := logOf(t, h)
	for range 3 {
		fill(t, l, 5, time.Now().AddDate(-1, 0, 0)) // all under one key
	}
	stopTest(t, h)
	l = logOf(t, startTest(t, dir))
	if got := consumeAll(t, l, 15); len(got) != 15 || got[0].Offset != 0 {
		t.Errorf("%d of 15 records are left", len(got))
	}
}
