package simtest

import "maps"

// Stats count what happened in worlds.
type Stats struct {
	Seeds, Moves, Runs, Requests int
	WritesCRM, WritesMicrosoft   int
	Deletes, Points, Kills       int
	Cycles                       int // the most that any world took to be quiet
	Faults                       map[string]int
}

func newStats() Stats { return Stats{Faults: map[string]int{}} }

func (s *Stats) fault(k *faultKind) { s.Faults[k.group+": "+k.name]++ }

// Add takes in the counts of another world.
func (s *Stats) Add(o Stats) {
	s.Seeds, s.Moves, s.Runs, s.Requests = s.Seeds+o.Seeds, s.Moves+o.Moves, s.Runs+o.Runs, s.Requests+o.Requests
	s.WritesCRM, s.WritesMicrosoft = s.WritesCRM+o.WritesCRM, s.WritesMicrosoft+o.WritesMicrosoft
	s.Deletes, s.Points, s.Kills = s.Deletes+o.Deletes, s.Points+o.Points, s.Kills+o.Kills
	s.Cycles = max(s.Cycles, o.Cycles)
	if s.Faults == nil {
		s.Faults = map[string]int{}
	}
	for name, n := range maps.All(o.Faults) {
		s.Faults[name] += n
	}
}

// FaultSum is how many faults struck.
func (s *Stats) FaultSum() (n int) {
	for _, times := range s.Faults {
		n += times
	}
	return n
}
