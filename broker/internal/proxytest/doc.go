// Package proxytest is a TCP proxy that tests put before an engine to make the network misbehave: down, slow, reset, an
// answer that is lost. It knows of Kafka's protocol the frame and the number of a produce request, nothing else.
//
//	Down       connections are cut and new ones refused
//	Slow       each piece waits before it is passed on, in both directions
//	Reset      every open connection ends with RST; new ones pass
//	CutReplies the next produce requests reach the broker, their answers are dropped with the connection
package proxytest
