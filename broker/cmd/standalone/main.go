package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // deadlines end at midnight in Berlin, on machines without a time zone database too
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}.Run(ctx)
	stop()
	os.Exit(code)
}
