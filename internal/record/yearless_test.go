package record

import (
	"testing"
	"time"
)

func TestDaysWithoutAYear(t *testing.T) {
	for v, want := range map[Value]string{"1604-03-12": "12 March", "1604-02-29": "29 February", "1605-03-12": "", "1604-02-30": "", "1604": "", "": ""} {
		at, ok := Yearless(v)
		if ok != (want != "") || ok && at.Format("2 January") != want {
			t.Errorf("%q is %v, %v", v, at, ok)
		}
	}
	for _, c := range []struct {
		month time.Month
		day   int
		want  Value
		ok    bool
	}{{time.February, 29, "1604-02-29", true}, {time.December, 31, "1604-12-31", true}, {time.February, 30, "", false}, {0, 3, "", false}, {13, 1, "", false}, {time.May, 0, "", false}, {time.May, 32, "", false}} {
		if got, ok := WithoutYear(c.month, c.day); ok != c.ok || ok && got != c.want {
			t.Errorf("%v %d: %q, %v", c.month, c.day, got, ok)
		}
	}
}
