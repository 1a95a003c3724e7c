//go:build !linux

package kafkalog_test

import "syscall"

func endWithParent() *syscall.SysProcAttr { return nil }
