package simtest

import (
	"flag"
	"os"
	"testing"
)

var (
	seedFlag = flag.Uint64("seed", 0, "the one seed to run, with its trace")
	from     = flag.Uint64("from", 1, "the first seed")
	count    = flag.Int("seeds", 200, "how many seeds")
)

func TestOneSeed(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("no -seed: it is for looking at one")
	}
	r, err := Run(Config{Seed: *seedFlag, Trace: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
}

func TestSeeds(t *testing.T) {
	for seed := *from; seed < *from+uint64(*count); seed++ {
		r, err := Run(Config{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failure != nil {
			t.Errorf("seed %d: %v", seed, r.Failure)
		}
	}
}

func TestShrinkOne(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("no -seed: it is for looking at one")
	}
	c, r, err := Shrink(Config{Seed: *seedFlag}, 400)
	if err != nil {
		t.Fatal(err)
	}
	c.Trace = os.Stdout
	if _, err := Run(c); err != nil {
		t.Fatal(err)
	}
	for _, line := range r.Story {
		t.Log(line)
	}
	t.Log(c.Keep, r.Failure)
}
