package web

import (
	"math"
	"strconv"
	"time"

	"tandem/internal/reconcile"
)

// A chart is drawn on the server as SVG, and told beside it as a table for whoever does not see it.
type chart struct {
	Key    string // chart.<key> is its title
	Width  int
	Height int
	Bars   []chartBar
	Lines  []chartLine // across, with what they stand for
	Marks  []chartMark // below
	Empty  bool
}

// A chartBar is one piece of a column, measured from the top left.
type chartBar struct {
	Class               string
	X, Y, Width, Height string
}

type chartLine struct {
	Y, Label string
	TextY    string
}

type chartMark struct{ X, Label, Anchor string }

// chartDay is a day of the charts and of the table that tells the same.
type chartDay struct {
	Label                  string
	CRM, Microsoft, Failed int
	Usual, Most, Slowest   string // how long changes took, in words; "" where none was fresh
	work                   reconcile.Work
}

// activity is what sync did day by day.
type activity struct {
	Days   []chartDay
	Charts []chart
	Empty  bool
}

// The measures of charts, in units of their own: the browser makes them as wide as there is room.
const (
	chartDays   = 30
	chartWidth  = 640
	chartHeight = 150
	chartLeft   = 52 // for what the lines stand for
	chartBottom = 24 // for the days
	chartTop    = 10
)

// activityOf sums up hours of work by the reader's days.
func (v *visit) activityOf(hours []reconcile.HourWork) activity {
	today := startOfDay(v.now, v.zone)
	a := activity{Days: make([]chartDay, chartDays), Empty: true}
	at := make(map[string]int, chartDays)
	for i := range a.Days {
		day := today.AddDate(0, 0, i-chartDays+1)
		a.Days[i].Label = v.words.Day(day)
		at[day.Format(dayLayout)] = i
	}
	for _, h := range hours {
		if i, known := at[h.At.In(v.zone).Format(dayLayout)]; known {
			a.Days[i].work.With(h.Work)
			a.Empty = false
		}
	}
	for i := range a.Days {
		d := &a.Days[i]
		d.CRM, d.Microsoft, d.Failed = d.work.CRM, d.work.Microsoft, d.work.Failed
		if delays := d.work.Delays; delays.Total() > 0 {
			d.Usual, d.Most, d.Slowest = v.words.Span(delays.Within(0.5)), v.words.Span(delays.Within(0.95)), v.words.Span(delays.Slowest)
		}
	}
	a.Charts = []chart{v.workChart(a.Days), v.delayChart(a.Days)}
	return a
}

// activitySince is when the charts begin.
func (v *visit) activitySince() time.Time {
	return startOfDay(v.now, v.zone).AddDate(0, 0, 1-chartDays)
}

func newChart(key string) chart {
	return chart{Key: key, Width: chartWidth, Height: chartHeight, Empty: true}
}

// dayColumn is where the bars of a day stand.
func dayColumn(i int) (x, width float64) {
	step := float64(chartWidth-chartLeft) / chartDays
	return chartLeft + float64(i)*step + step*0.15, step * 0.7
}

// high is how far up a share of the whole height is.
func high(share float64) float64 {
	return chartHeight - chartBottom - share*(chartHeight-chartBottom-chartTop)
}

func px(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

func (c *chart) mark(days []chartDay) {
	for _, each := range []struct {
		i      int
		anchor string
	}{{0, "start"}, {len(days) / 2, "middle"}, {len(days) - 1, "end"}} {
		x, width := dayColumn(each.i)
		switch each.anchor {
		case "middle":
			x += width / 2
		case "end":
			x += width
		}
		c.Marks = append(c.Marks, chartMark{px(x), days[each.i].Label, each.anchor})
	}
}

// workChart stacks what was written on each day.
func (v *visit) workChart(days []chartDay) chart {
	c := newChart("work")
	most := 0
	for _, d := range days {
		most = max(most, d.CRM+d.Microsoft+d.Failed)
	}
	top := roundUp(most)
	for _, share := range []float64{0, 0.5, 1} {
		y := high(share)
		c.Lines = append(c.Lines, chartLine{px(y), v.words.Number(int(share * float64(top))), px(y + 4)})
	}
	for i, d := range days {
		x, width := dayColumn(i)
		below := 0
		for _, part := range []struct {
			class string
			n     int
		}{{"crm", d.CRM}, {"microsoft", d.Microsoft}, {"failed", d.Failed}} {
			if part.n == 0 {
				continue
			}
			c.Empty = false
			bottom := high(float64(below) / float64(top))
			below += part.n
			y := high(float64(below) / float64(top))
			c.Bars = append(c.Bars, chartBar{part.class, px(x), px(y), px(width), px(max(1, bottom-y))})
		}
	}
	c.mark(days)
	return c
}

// roundUp is the next number that can be halved and read at a glance.
func roundUp(n int) int {
	for scale := 1; ; scale *= 10 {
		for _, step := range []int{2, 4, 10} {
			if step*scale >= n {
				return step * scale
			}
		}
	}
}

// delayMarks are the spans that the chart of delays has lines for.
var delayMarks = []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}

// delayChart shows within what time 95 of 100 changes came through, on a scale on which each line is several times the one below.
func (v *visit) delayChart(days []chartDay) chart {
	c := newChart("delay")
	top := delayMarks[2]
	for _, d := range days {
		for i := 3; i < len(delayMarks) && d.work.Delays.Within(0.95) > top; i++ {
			top = delayMarks[i]
		}
	}
	share := func(d time.Duration) float64 {
		return min(1, math.Log1p(d.Seconds())/math.Log1p(top.Seconds()))
	}
	for _, mark := range delayMarks {
		if mark <= top {
			y := high(share(mark))
			c.Lines = append(c.Lines, chartLine{px(y), v.words.ShortSpan(mark), px(y + 4)})
		}
	}
	for i, d := range days {
		if d.work.Delays.Total() == 0 {
			continue
		}
		c.Empty = false
		x, width := dayColumn(i)
		y := high(share(d.work.Delays.Within(0.95)))
		c.Bars = append(c.Bars, chartBar{"delay", px(x), px(y), px(width), px(max(1, high(0)-y))})
	}
	c.mark(days)
	return c
}

// Span is a length of time in words, roughly.
func (w *words) Span(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return w.T("span.seconds", "Count", max(1, int((d+time.Second/2)/time.Second)))
	case d < 90*time.Minute:
		return w.T("span.minutes", "Count", int((d+30*time.Second)/time.Minute))
	default:
		return w.T("span.hours", "Count", int((d+30*time.Minute)/time.Hour))
	}
}

// ShortSpan is a length of time as a chart has room for it.
func (w *words) ShortSpan(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	default:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
}
