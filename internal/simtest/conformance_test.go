package simtest_test

import (
	"testing"

	"tandem/internal/graph"
	"tandem/internal/simtest"
	"tandem/internal/testkit/graphspec"
)

// TestConformance_EveryRequestIsAsMicrosoftDescribesIt in worlds where everything goes wrong, too. What faults answer is nothing
// that Microsoft describes.
func TestConformance_EveryRequestIsAsMicrosoftDescribesIt(t *testing.T) {
	t.Parallel()
	judge := graphspec.NewJudge(t)
	listen := func(ex graph.Exchange) {
		judge.Request(ex.Request.Method, ex.Request.URL.RequestURI(), ex.Request.Header, ex.Body)
	}
	for seed := uint64(1); seed <= 15; seed++ {
		if _, err := simtest.Run(simtest.Config{Seed: seed, Observe: listen}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range simtest.Scenarios() {
		if _, err := s.Run(nil, simtest.Config{Observe: listen}); err != nil {
			t.Fatal(err)
		}
	}
	if n := judge.Judged(); n >= 0 && n < 1000 {
		t.Errorf("%d requests were judged", n)
	}
}
