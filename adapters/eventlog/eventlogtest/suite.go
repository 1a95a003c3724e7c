package eventlogtest

import (
	"testing"

	"github.com/efa-broker/efa-broker/adapters/eventlog"
)

// Features are truths about an implementation. A case whose feature is missing is left out, not weakened.
type Features struct {
	// Restart stops the broker below a log, starts it again over the same data and returns a new client of it. Nil when
	// the records end with the process.
	Restart func(t *testing.T, l eventlog.Log) eventlog.Log
	// Stamps says that the log knows when it appended a record.
	Stamps bool
}

// Run checks a log against the contract. Each case opens its own log and uses topics and groups of its own, so that open
// may return clients of one broker. The log is closed by the suite.
func Run(t *testing.T, open func(t *testing.T) eventlog.Log, features Features) {
	t.Helper()
	t.Run("contract", func(t *testing.T) {
		for _, c := range append(cases(), stamping(features)...) {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(newSetup(t, open(t)))
			})
		}
	})
	if features.Restart == nil {
		return
	}
	// Not at the same time as the others: they may share the broker.
	t.Run("records and committed offsets outlive the broker", func(t *testing.T) {
		restart(newSetup(t, open(t)), features.Restart)
	})
}

type testCase struct {
	name string
	run  func(s *setup)
}

func stamping(features Features) []testCase {
	if features.Stamps {
		return []testCase{
			{"what was appended before an instant is told by the broker's clock", stampedTopic},
			{"the clock that a broker stamps by is told", brokersClock},
		}
	}
	return []testCase{{"a log that stamps nothing says so", unstampedTopic}}
}

func cases() []testCase {
	return []testCase{
		{"a published record arrives as it was", recordArrives},
		{"records with one key keep their order and their partition", orderPerKey},
		{"several callers publish at the same time", severalCallers},
		{"a faulty record is refused before anything is sent", faultyRecord},
		{"publishing to a topic that does not exist is an error", unknownTopic},
		{"publishing with an ended context is an error", endedContext},
		{"a closed log refuses to work", closedLog},
		{"a topic that exists is left as it is", ensureTwice},
		{"arguments that can never work are refused", impossibleArguments},
		{"a group that comes late reads from the beginning", lateGroup},
		{"groups do not disturb each other", twoGroups},
		{"a consumer waits for its topic", topicAppears},
		{"one member reads several topics", severalTopics},
		{"a failed batch is handed over again and not overtaken", failedBatch},
		{"an offset is committed only after success", commitAfterSuccess},
		{"a group goes on behind what it has committed, in the midst of what was published together", midst},
		{"a failing partition does not hold up another", poisonedPartition},
		{"a rebalance ends running handles and loses nothing", rebalance},
		{"members come and go while records flow", membersComeAndGo},
		{"first, next and end offset of a group are told", progressIsTold},
		{"a scan shows every record and commits nothing", scanShowsAll},
		{"following with arguments that can never work is refused", impossibleFollow},
		{"several topics are followed at once, one that appears later too", followSeveral},
		{"a follower goes on at the position that it is told", followFromPosition},
		{"a position beyond the end of the log begins anew", followBeyondTheEnd},
		{"a failed batch of a follower is handed over again", followRetries},
	}
}
