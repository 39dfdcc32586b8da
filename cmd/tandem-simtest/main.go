// Command tandem-simtest lives through simulated worlds in which everything about sync goes wrong, and looks whether
// every invariant holds: see package simtest. A seed that fails is shrunk to the shortest story that can be found.
//
//	tandem-simtest -seeds 2000              seeds 1 to 2000
//	tandem-simtest -seed 17 -trace          one seed, with every effect
//	tandem-simtest -defects                 every broken engine, until a seed catches it
//	tandem-simtest -from 2001 -seeds 200000 -long -report docs/reliability.md
//	tandem-simtest -scenarios -again 5      every written scenario, killed at each effect, and again at one of five of each recovery
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"tandem/internal/simtest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var (
		seed    = flag.Uint64("seed", 0, "live through this seed alone, and shrink it if it fails")
		keep    = flag.String("keep", "", "with -seed: only these moves of its program, such as 3,7,12")
		trace   = flag.Bool("trace", false, "with -seed: print every effect")
		from    = flag.Uint64("from", 1, "the first seed")
		seeds   = flag.Int("seeds", 2000, "how many seeds")
		workers = flag.Int("workers", runtime.GOMAXPROCS(0), "how many worlds at once")
		defect  = flag.String("defect", "", "a broken engine in place of the real one")
		defects = flag.Bool("defects", false, "tell for every broken engine which seed catches it")
		written = flag.Bool("scenarios", false, "live through the written scenarios, killed at each of their effects")
		again   = flag.Int("again", 5, "with -scenarios: a second death at one of so many effects of each recovery; 1: at each, 0: none")
		long    = flag.Bool("long", false, "with -report: these seeds are a part of the long run")
		report  = flag.String("report", "", "write what was seen to this page, after what it tells of the seeds before; with -seeds 0 write it anew")
	)
	flag.Parse()
	defer simtest.RareGC()()
	batch := simtest.Batch{From: *from, Seeds: *seeds, Workers: *workers, Defect: *defect}
	switch {
	case *written:
		return scenarios(*again, *workers, *report)
	case *seed != 0:
		return one(*seed, *keep, *defect, *trace)
	case *defects:
		return teeth(batch)
	}
	return many(batch, *report, *long)
}

func one(seed uint64, keep, defect string, trace bool) error {
	c := simtest.Config{Seed: seed, Defect: defect}
	for _, text := range strings.FieldsFunc(keep, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-keep: %w", err)
		}
		c.Keep = append(c.Keep, n)
	}
	if trace {
		c.Trace = os.Stdout
	}
	r, err := simtest.Run(c)
	if err != nil {
		return err
	}
	if r.Failure == nil {
		fmt.Printf("seed %d: every check holds; the run's sum is %s\n", seed, r.Sum)
		return nil
	}
	if trace {
		return fmt.Errorf("seed %d: %w", seed, r.Failure)
	}
	return shortest(c)
}

// shortest prints the shortest story of a failure that it can find.
func shortest(c simtest.Config) error {
	const tries = 600
	c, r, err := simtest.Shrink(c, tries)
	if err != nil {
		return err
	}
	for _, line := range r.Story {
		fmt.Println(line)
	}
	return fmt.Errorf("seed %d -keep %s: %w", c.Seed, strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Keep), " ", ","), "[]"), r.Failure)
}

func many(batch simtest.Batch, report string, long bool) error {
	if batch.Seeds == 0 && report != "" {
		return simtest.Report(report, nil, nil)
	}
	failed := 0
	sum, err := batch.Run(func(seed uint64, r simtest.Result) bool {
		fmt.Printf("seed %d: %v\n", seed, r.Failure)
		failed++
		return failed < 50
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d seeds, %.1f a second; %d moves, %d faults, %d kills among %d crash points; %d failed\n",
		sum.Stats.Seeds, sum.PerSecond(), sum.Stats.Moves, sum.Stats.FaultSum(), sum.Stats.Kills, sum.Stats.Points, failed)
	switch {
	case report != "" && long:
		err = simtest.ReportLong(report, sum)
	case report != "":
		err = simtest.Report(report, &sum, nil)
	}
	if err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d seeds failed", failed)
	}
	return nil
}

func scenarios(again, workers int, report string) error {
	sum, err := simtest.Cover(simtest.Scenarios(), simtest.Stride{First: 1, Again: again}, workers, func(s simtest.Scenario, kills []int, f *simtest.Failure) bool {
		fmt.Printf("%s, killed at %v: %v\n", s.Name, kills, f)
		return true
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d scenarios, killed at %d effects and a second time in %d recoveries; %d of %d ways failed\n", sum.Scenarios, sum.Points, sum.Again, sum.Failed, sum.Ways)
	if report != "" {
		if err := simtest.Report(report, nil, &sum); err != nil {
			return err
		}
	}
	if sum.Failed > 0 {
		return fmt.Errorf("%d ways failed", sum.Failed)
	}
	return nil
}

func teeth(batch simtest.Batch) error {
	caught, err := batch.Teeth(func(c simtest.Caught) {
		if c.Seeds == 0 {
			fmt.Printf("%-44s NOT CAUGHT\n", c.Defect)
			return
		}
		fmt.Printf("%-44s after %4d seeds by %s\n", c.Defect, c.Seeds, c.Check)
	})
	if err != nil {
		return err
	}
	for _, c := range caught {
		if c.Seeds == 0 {
			return fmt.Errorf("the broken engine %q was not caught", c.Defect)
		}
	}
	return nil
}
