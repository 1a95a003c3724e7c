package kafkalog_test

import "syscall"

// endWithParent leaves no orphan after a panic or a timeout of the test.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
