package exportfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"tandem/internal/recur"
)

// The years whose changes of the clock a file tells. What comes later goes by the last yearly rule.
const zonesFrom, zonesUntil = 1970, 2037

// A turn is a change of the clocks: at a wall time that they show before it.
type turn struct {
	at       time.Time // the wall, told as UTC
	from, to int       // offsets in seconds
	name     string
	summer   bool
}

// zoneRules are the rules of a zone as a VTIMEZONE: its changes year by year, and those that go on for ever as a rule.
func zoneRules(loc *time.Location) *ical.Component {
	zone := ical.NewComponent(ical.CompTimezone)
	zone.Props.Set(&ical.Prop{Name: ical.PropTimezoneID, Value: loc.String()})
	zone.Props.Set(&ical.Prop{Name: "X-LIC-LOCATION", Value: loc.String()})
	begin := time.Date(zonesFrom, 1, 1, 0, 0, 0, 0, time.UTC)
	name, seconds := begin.In(loc).Zone()
	zone.Children = append(zone.Children, observance(turn{begin, seconds, seconds, name, begin.In(loc).IsDST()}))
	var turns []turn
	for at := begin; ; {
		_, next := at.In(loc).ZoneBounds()
		if next.IsZero() || next.UTC().Year() > zonesUntil {
			break
		}
		_, before := next.Add(-time.Second).Zone()
		name, after := next.Zone()
		turns = append(turns, turn{next.UTC().Add(time.Duration(before) * time.Second), before, after, name, next.IsDST()})
		at = next
	}
	for _, summer := range []bool{false, true} {
		of := slices.DeleteFunc(slices.Clone(turns), func(t turn) bool { return t.summer != summer })
		rule, since := yearly(of)
		for i := 0; i < len(of); { // those alike in a row are one component
			end := i + 1
			for end < len(of) && end != since && of[end].from == of[i].from && of[end].to == of[i].to && of[end].name == of[i].name {
				end++
			}
			c := observance(of[i])
			if i == since {
				c.Props.Set(&ical.Prop{Name: ical.PropRecurrenceRule, Value: rule})
			} else if more := of[i+1 : end]; len(more) > 0 {
				var dates []string
				for _, t := range more {
					dates = append(dates, t.at.Format("20060102T150405"))
				}
				c.Props.Set(&ical.Prop{Name: ical.PropRecurrenceDates, Value: strings.Join(dates, ",")})
			}
			zone.Children = append(zone.Children, c)
			i = end
		}
	}
	return zone
}

func observance(t turn) *ical.Component {
	c := ical.NewComponent(map[bool]string{false: ical.CompTimezoneStandard, true: ical.CompTimezoneDaylight}[t.summer])
	for name, value := range map[string]string{
		ical.PropDateTimeStart: t.at.Format("20060102T150405"), ical.PropTimezoneOffsetFrom: offset(t.from), ical.PropTimezoneOffsetTo: offset(t.to), ical.PropTimezoneName: t.name,
	} {
		c.Props.Set(&ical.Prop{Name: name, Value: value})
	}
	return c
}

// yearly is the rule by which the last changes come every year, and since which of them; len(turns) if they follow none. A rule
// names the n-th of its weekday in the month, the last one, or the first from a day on.
func yearly(turns []turn) (rule string, since int) {
	if len(turns) == 0 || turns[len(turns)-1].at.Year() != zonesUntil {
		return "", len(turns)
	}
	last := turns[len(turns)-1]
	least, most := last.at.Day(), last.at.Day()
	for at := len(turns) - 1; at >= 0 && turns[at].at.Year() == zonesUntil-(len(turns)-1-at) && turns[at].like(last); at-- {
		least, most = min(least, turns[at].at.Day()), max(most, turns[at].at.Day())
		if most-least > 6 {
			break
		}
		since = at
	}
	if len(turns)-since < 5 {
		return "", len(turns)
	}
	all := turns[since:]
	least, most = last.at.Day(), last.at.Day()
	inLast := true
	for _, t := range all {
		least, most = min(least, t.at.Day()), max(most, t.at.Day())
		inLast = inLast && t.at.AddDate(0, 0, 7).Month() != t.at.Month()
	}
	rule = fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=", last.at.Month())
	switch {
	case inLast:
		return rule + recur.Day{N: -1, Day: last.at.Weekday()}.String(), since
	case (least-1)/7 == (most-1)/7:
		return rule + recur.Day{N: (least-1)/7 + 1, Day: last.at.Weekday()}.String(), since
	case most-least == 6:
		days := make([]string, 7)
		for i := range days {
			days[i] = strconv.Itoa(least + i)
		}
		return rule + recur.Day{Day: last.at.Weekday()}.String() + ";BYMONTHDAY=" + strings.Join(days, ","), since
	}
	return "", len(turns)
}

// like reports whether a change is that of another year, but for the day.
func (t turn) like(last turn) bool {
	return t.from == last.from && t.to == last.to && t.name == last.name && t.at.Month() == last.at.Month() &&
		t.at.Weekday() == last.at.Weekday() && t.at.Format("150405") == last.at.Format("150405")
}
