// Package localkafka is the event broker of the embedded default: a single broker that speaks Kafka's protocol on the
// loopback interface and keeps its data in a directory. It wraps kfake, which its authors mean for testing; the wrapper
// makes up for what kfake lacks as a broker of a small site. For production the product is pointed at Apache Kafka.
//
// It owns the directory, its lock and the broker's life; it must not know what the records mean. Clients use kafkalog.
//
//	Start, in this order                                        because
//	directory with mode 0700                                    there is no authentication
//	exclusive lock on the file "lock"                           kfake would let a second process open the same data
//	cut torn tails off groups.log and pids.log                  kfake skips them but appends behind them, and loses that
//	                                                            at the next crash
//	forget the members of groups stored at the last stop        a ghost member would hold partitions until it times out
//	start the broker with its cleaner off                       retention that empties a partition lets offsets begin
//	                                                            at 0 again after a restart
//	give memory back                                            starting reads every segment
//	commit guard                                                a group whose committed offset lies behind the end of
//	                                                            its log would wait for ever without an error
//
// Compaction, for which a client may ask when it makes a topic, never runs for the same reason as the cleaner. A commit
// behind the end that comes later is the consumer's to notice (kafkalog goes back to the first record).
//
// Stop goes the other way and comes after the last client has stopped. A step that fails undoes those before it.
// Records are kept for ever. Acknowledged records survive a crash of the process, and with Config.SyncWrites the loss of
// power too.
package localkafka
