package graph

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/fault"
)

func posts(n int) []Part {
	parts := make([]Part, n)
	for i := range parts {
		parts[i] = Part{Method: "POST", Path: fmt.Sprintf("/p%d", i), Body: []byte(`{}`)}
	}
	return parts
}

func TestBatchKeepsTheOrderAndItsSize(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r request) {
		n := 0
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			n++
			return 201, fmt.Sprintf(`{"id":%q}`, p.URL), nil
		})
		if n > BatchSize {
			t.Errorf("%d parts", n)
		}
	})
	results, err := f.box().Batch(t.Context(), posts(95))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if want := fmt.Sprintf(`{"id":"/p%d"}`, i); string(r.Body) != want || r.Err != nil {
			t.Fatalf("result %d: %s, %v", i, r.Body, r.Err)
		}
	}
	if n := len(f.requests()); n != 5 {
		t.Errorf("%d batches", n)
	}
}

// FIELD-FAILURES 74: those parts that were throttled are sent again, after the longest pause, and no others.
func TestFF74_ThrottledPartsAreSentAgain(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	f := newFake(t, func(w http.ResponseWriter, r request) {
		first := n.Add(1) == 1
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			if first && strings.HasSuffix(p.URL, "3") {
				return 429, refuse("TooManyRequests", ""), map[string]string{"Retry-After": "2"}
			}
			if first && strings.HasSuffix(p.URL, "4") {
				return 503, refuse("ErrorServerBusy", ""), map[string]string{"retry-after": "9"}
			}
			return 201, `{}`, nil
		})
	})
	parts := posts(6)
	parts[4].Repeatable = true
	results, err := f.box().Batch(t.Context(), parts)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil || r.Status != 201 {
			t.Errorf("part %d: %d %v", i, r.Status, r.Err)
		}
	}
	asked := f.requests()
	if len(asked) != 2 || strings.Count(string(asked[1].body), `"url"`) != 2 || asked[1].at.Sub(asked[0].at) < 9*time.Second {
		t.Errorf("%d requests, the second %s after %s", len(asked), asked[1].body, asked[1].at.Sub(asked[0].at))
	}
}

// FIELD-FAILURES 73: a mailbox that refuses the fifth part at once gets its parts one after another from then on.
func TestFF73_MailboxConcurrencyIsLearnt(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r request) {
		running := 0
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			if len(p.DependsOn) == 0 {
				running++
			}
			if running > 4 {
				return 429, refuse("ApplicationThrottled", "Application is over its MailboxConcurrency limit."), map[string]string{"Retry-After": "1"}
			}
			return 201, `{}`, nil
		})
	})
	c := f.client(Limits{})
	box := c.For(Static("t"), "a")
	for range 2 {
		results, err := box.Batch(t.Context(), posts(20))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil {
				t.Errorf("part %d: %v", i, r.Err)
			}
		}
	}
	if n := len(f.requests()); n != 3 {
		t.Errorf("%d batches, want 3: one refused in part, its rest, and a chain", n)
	}
	if last := string(f.requests()[2].body); strings.Count(last, "dependsOn") != 19 || !strings.Contains(last, `"dependsOn":["19"]`) {
		t.Errorf("the parts are no chain: %s", last)
	}
	if c.app.limit != 256 {
		t.Errorf("one mailbox's limit was taken for the app's: %d", c.app.limit)
	}
}

// In a chain the parts behind a failed one are refused with 424; they did nothing wrong.
func TestChainGoesOnBehindAFailure(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r request) {
		// The chain runs from the first part on; batchOf walks backwards, so what fails is found beforehand.
		bad := -1
		for i := range 20 {
			if bad < 0 && strings.Contains(string(r.body), fmt.Sprintf(`"url":"/p%d"`, i)) && i%5 == 2 {
				bad = i
			}
		}
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			var i int
			_, _ = fmt.Sscanf(p.URL, "/p%d", &i)
			switch {
			case i == bad:
				return 404, refuse("ErrorItemNotFound", ""), nil
			case bad >= 0 && i > bad:
				return 424, refuse("FailedDependency", ""), nil
			}
			return 201, `{}`, nil
		})
	})
	box := f.box()
	box.gate.serial.Store(true)
	results, err := box.Batch(t.Context(), posts(20))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if missing := fault.Is(r.Err, fault.NotFound); missing != (i%5 == 2) {
			t.Errorf("part %d: %v", i, r.Err)
		}
	}
}

func TestPartsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	f := newFake(t, func(w http.ResponseWriter, r request) {
		first := n.Add(1) == 1
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			if first && p.URL != "/p0" {
				return 0, "", nil
			}
			return 200, `{}`, nil
		})
	})
	parts := posts(3)
	parts[2] = Get("/p2", "")
	results, err := f.box().Batch(t.Context(), parts)
	if err != nil || results[0].Err != nil || results[2].Err != nil {
		t.Errorf("%v, %+v", err, results)
	}
	if fault.ReasonOf(results[1].Err) != fault.OutcomeUnknown {
		t.Errorf("a write without an answer: %v", results[1].Err)
	}
}

func TestHTMLInAPart(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r request) {
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) { return 200, `"<html>busy</html>"`, nil })
	})
	results, err := f.box().Batch(t.Context(), []Part{{Method: "POST", Path: "/w", Body: []byte("{}")}, Get("/r", "")})
	if err != nil {
		t.Fatal(err)
	}
	if fault.ReasonOf(results[0].Err) != fault.OutcomeUnknown || !fault.Is(results[1].Err, fault.Unavailable) {
		t.Errorf("%v; %v", results[0].Err, results[1].Err)
	}
}

// A batch whose answer is lost leaves its writes in doubt; reads and repeatable writes are sent again.
func TestLostBatch(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w http.ResponseWriter){
		"cut":      func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"504":      func(w http.ResponseWriter) { reply(w, 504, "") },
		"HTML":     func(w http.ResponseWriter) { reply(w, 200, "<html>") },
		"half":     func(w http.ResponseWriter) { reply(w, 200, `{"responses":[{"id":"1","status":201,`) },
		"nothing":  func(w http.ResponseWriter) { reply(w, 200, ``) },
		"an array": func(w http.ResponseWriter) { reply(w, 200, `[]`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			f := newFake(t, func(w http.ResponseWriter, r request) {
				if n.Add(1) == 1 {
					lose(w)
					return
				}
				batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
					if p.URL == "/p0" {
						t.Error("a write in doubt was sent again")
					}
					return 200, `{}`, nil
				})
			})
			parts := posts(3)
			parts[1], parts[2].Repeatable = Get("/r", ""), true
			results, err := f.box().Batch(t.Context(), parts)
			if err != nil {
				t.Fatal(err)
			}
			if fault.ReasonOf(results[0].Err) != fault.OutcomeUnknown || results[1].Err != nil || results[2].Err != nil {
				t.Errorf("%v; %v; %v", results[0].Err, results[1].Err, results[2].Err)
			}
		})
	}
}

// What stops everything stops the batches that have not left, and says of their parts that nothing happened.
func TestBatchThatStopsAll(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ request) {
		reply(w, 403, refuse("ErrorAccessDenied", ""))
	})
	results, err := f.box().Batch(t.Context(), posts(200))
	if !fault.Is(err, fault.Denied) {
		t.Fatal(err)
	}
	for i, r := range results {
		if !fault.Is(r.Err, fault.Denied) {
			t.Fatalf("part %d: %v", i, r.Err)
		}
	}
	if n := len(f.requests()); n > 5 {
		t.Errorf("%d batches left although the first was denied", n)
	}
}

func TestGraphAwayForGood(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ request) { reply(w, 503, "") })
	results, err := f.box().Batch(t.Context(), []Part{Get("/r", "")})
	if !fault.Is(err, fault.Unavailable) || fault.ReasonOf(err) == fault.OutcomeUnknown || !fault.Is(results[0].Err, fault.Unavailable) {
		t.Errorf("%v; %v", err, results[0].Err)
	}
}

func TestObjectIsJSON(t *testing.T) {
	t.Parallel()
	var inner, o Object
	inner.Null("a")
	o.String("s", "q\" \\ \n\t\r\x01 é \U0001F600 \xff")
	o.Bool("b", true)
	o.Int("i", -5)
	o.Strings("l", []string{"x", "y"})
	o.Strings("e", nil)
	o.Object("o", inner)
	o.Objects("os", []Object{inner, {}})
	want := `{"s":"q\" \\ \n\t\r\u0001 é ` + "\U0001F600" + ` \ufffd","b":true,"i":-5,"l":["x","y"],"e":[],"o":{"a":null},"os":[{"a":null},{}]}`
	if got := string(o.JSON()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A chain is one batch whose parts wait for one another, in the order given. What stands behind a refused part was not carried
// out and says so; what stands before it was, and nothing of it is sent again.
func TestChainEndsAtARefusal(t *testing.T) {
	t.Parallel()
	for bad := -1; bad < 4; bad++ {
		f := newFake(t, func(w http.ResponseWriter, r request) {
			batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
				var i int
				_, _ = fmt.Sscanf(p.URL, "/p%d", &i)
				switch {
				case bad >= 0 && i == bad:
					return 400, refuse("ErrorInvalidRequest", ""), nil
				case bad >= 0 && i > bad:
					return 424, refuse("FailedDependency", ""), nil
				}
				return 201, fmt.Sprintf(`{"id":%q}`, p.URL), nil
			})
		})
		results, err := f.box().Chain(t.Context(), posts(4))
		if err != nil || len(results) != 4 {
			t.Fatalf("%d: %d results, %v", bad, len(results), err)
		}
		for i, r := range results {
			switch {
			case bad < 0 || i < bad:
				if r.Err != nil || string(r.Body) != fmt.Sprintf(`{"id":"/p%d"}`, i) {
					t.Errorf("%d: part %d: %s, %v", bad, i, r.Body, r.Err)
				}
			case i == bad:
				if fault.KindOf(r.Err) != fault.Invalid {
					t.Errorf("%d: the refused part: %v", bad, r.Err)
				}
			case !fault.Is(r.Err, fault.Conflict):
				t.Errorf("%d: part %d behind it: %v", bad, i, r.Err)
			}
		}
		sent := f.requests()
		if len(sent) != 1 {
			t.Fatalf("%d: %d batches", bad, len(sent))
		}
		for i := range 3 {
			if want := fmt.Sprintf(`"dependsOn":["%d"]`, i+1); !strings.Contains(string(sent[0].body), want) {
				t.Errorf("%d: no %s in %s", bad, want, sent[0].body)
			}
		}
	}
}

// A chain whose answer tells it to wait goes on where it stopped: parts that were carried out are not sent a second time.
func TestChainGoesOnWhereItWasThrottled(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	carried := map[string]int{}
	f := newFake(t, func(w http.ResponseWriter, r request) {
		first := n.Add(1) == 1
		batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
			if first && p.URL == "/p2" {
				return 429, refuse("TooManyRequests", ""), map[string]string{"Retry-After": "1"}
			}
			if first && p.URL == "/p3" {
				return 424, refuse("FailedDependency", ""), nil
			}
			carried[p.URL]++
			return 201, `{}`, nil
		})
	})
	results, err := f.box().Chain(t.Context(), posts(4))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil {
			t.Errorf("part %d: %v", i, r.Err)
		}
		if url := fmt.Sprint("/p", i); carried[url] != 1 {
			t.Errorf("%s was carried out %d times", url, carried[url])
		}
	}
}

// A chain whose first part names a version hangs on it. Where it is cut off behind that, the parts that name none are not sent
// again: somebody may have written since.
func TestI1_AChainThatIsCutOffIsNotTakenUpWithoutItsVersion(t *testing.T) {
	t.Parallel()
	for _, guarded := range []bool{false, true} {
		f := newFake(t, func(w http.ResponseWriter, r request) {
			batchOf(t, w, r, func(p wirePart) (int, string, map[string]string) {
				switch p.URL {
				case "/p0", "/p1":
					return 200, `{}`, nil
				case "/p2":
					return 429, refuse("TooManyRequests", ""), map[string]string{"Retry-After": "1"}
				}
				return 424, refuse("FailedDependency", ""), nil
			})
		})
		parts := posts(4)
		parts[0].IfMatch = "v"
		if guarded {
			parts[2].IfMatch = "w"
		}
		results, err := f.box().Chain(t.Context(), parts)
		if n := len(f.requests()); guarded != (n > 1) {
			t.Errorf("a part of its own version: %v, and %d batches", guarded, n)
		}
		for i, r := range results {
			if want := i > 1; !guarded && (err != nil || fault.Is(r.Err, fault.Conflict) != want) {
				t.Errorf("part %d: %v, %v", i, r.Err, err)
			}
		}
	}
}
