// Package scenario holds tests that drive the broker as processes, kill and break it, and let ledgercheck judge what is
// left. They need a build with the tag faults (make crash), so that the plain test command stays quick.
package scenario
