package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // deadlines end at midnight in Berlin, on machines without a time zone database too
)

func main() { os.Exit(run()) }

// run is main with an exit code, so that tests can run the program as a command.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := Program{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ()}
	return p.Run(ctx, os.Args[1:])
}
