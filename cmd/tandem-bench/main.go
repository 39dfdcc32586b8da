// Command tandem-bench measures Tandem against the simulated Microsoft 365, in one run: the simulator alone as the
// ceiling, first syncs, quiet runs, small changes, the way of one change in each direction. It prints a table and writes
// bench.json. The simulator is a process of its own, so that processor time and memory are Tandem's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"tandem/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "simulator" {
		exitOn(runSimulator(ctx, os.Args[2:]))
		return
	}
	app.TuneMemory()
	out := flag.String("json", "bench.json", "where the figures go")
	only := flag.String("only", "", "comma-separated beginnings of keys to measure (default: all)")
	scale := flag.Float64("scale", 1, "part of the full sizes, for trying the program out")
	profile := flag.String("cpuprofile", "", "write a processor profile of the measured first syncs")
	flag.Parse()
	exitOn(run(ctx, *out, *only, *profile, *scale))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem-bench:", err)
		os.Exit(1)
	}
}

// A measurement is one part of the run; it adds its figures.
type measurement struct {
	key string
	do  func(b *bench, ctx context.Context) error
}

var measurements = []measurement{
	{"first_sync_events_5000", func(b *bench, ctx context.Context) error { return b.firstSync(ctx, events, 5000) }},
	{"first_sync_contacts_10000", func(b *bench, ctx context.Context) error { return b.firstSync(ctx, contacts, 10000) }},
	{"quiet_run", (*bench).quiet},
	{seriesKey, (*bench).series},
	{exceptionsKey, (*bench).exceptions},
	{"changes_100", (*bench).changes},
	{"first_sync_contacts_half_known", (*bench).reunion},
	{"mapping_change_10000", (*bench).remap},
	{"latency", (*bench).latencies},
	{"pages_100k", (*bench).pages},
	{"start_ms", (*bench).start},
	{neighboursKey, (*bench).neighbours}, // after what its two hundred people would change
	{"simtest", (*bench).simulate},
}

func run(ctx context.Context, out, only, profile string, scale float64) error {
	b, err := newBench(ctx, scale)
	if err != nil {
		return err
	}
	defer b.close()
	b.profile = profile
	for _, m := range measurements {
		if !wanted(m.key, only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", m.key, "…")
		if err := m.do(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
	}
	b.print(os.Stdout)
	text, err := json.MarshalIndent(b.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}

func wanted(key, only string) bool {
	if only == "" {
		return true
	}
	for part := range strings.SplitSeq(only, ",") {
		if strings.HasPrefix(key, strings.TrimSpace(part)) {
			return true
		}
	}
	return false
}

func quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}
