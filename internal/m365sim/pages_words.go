package m365sim

import (
	"fmt"
	"strconv"
	"time"
)

func otherLocale(l locale) locale {
	if l == portuguese {
		return english
	}
	return portuguese
}

// say gives the words in the page's language, with values put in as by fmt.
func (l locale) say(words string, args ...any) string {
	if l == portuguese {
		if pt, ok := inPortuguese[words]; ok {
			words = pt
		}
	}
	if len(args) == 0 {
		return words
	}
	return fmt.Sprintf(words, args...)
}

// count gives the singular or the plural, each with %d in it.
func (l locale) count(n int, one, many string) string {
	if n == 1 {
		return l.say(one, n)
	}
	return l.say(many, n)
}

var ptDays = [...]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"}
var ptShortDays = [...]string{"dom.", "seg.", "ter.", "qua.", "qui.", "sex.", "sáb."}
var ptMonths = [...]string{"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"}

// date is a day in full.
func (l locale) date(t time.Time) string {
	if l == portuguese {
		return fmt.Sprintf("%s, %d de %s de %d", ptDays[t.Weekday()], t.Day(), ptMonths[t.Month()-1], t.Year())
	}
	return t.Format("Monday 2 January 2006")
}

// shortDay is the head of a column.
func (l locale) shortDay(t time.Time) string {
	if l == portuguese {
		return fmt.Sprintf("%s %d", ptShortDays[t.Weekday()], t.Day())
	}
	return t.Format("Mon 2")
}

func (l locale) monthYear(t time.Time) string {
	if l == portuguese {
		return fmt.Sprintf("%s de %d", ptMonths[t.Month()-1], t.Year())
	}
	return t.Format("January 2006")
}

func (l locale) weekday(d time.Weekday) string {
	if l == portuguese {
		return ptDays[d]
	}
	return d.String()
}

func (l locale) month(m time.Month) string {
	if l == portuguese {
		return ptMonths[m-1]
	}
	return m.String()
}

func (l locale) clock(t time.Time) string { return t.Format("15:04") }

// moment is a day and a time, short.
func (l locale) moment(t time.Time) string {
	if l == portuguese {
		return t.Format("02/01/2006 15:04:05")
	}
	return t.Format("2 Jan 2006 15:04:05")
}

func itoa(n int) string { return strconv.Itoa(n) }
