package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tandem/internal/record"
)

// messages are the words of the pages, one file a language. A test holds their keys against each other, against the
// templates and against every code that pages put into words.
//
// messages/en.json is for all pages, messages/users.en.json for those of users, and so on.
//
//go:embed messages/*.json
var messages embed.FS

// languages are those that Tandem speaks; the first is for whoever asks for none of them.
var languages = []string{"en", "pt-BR"}

// words speaks one language.
type words struct {
	lang      string
	plain     map[string]string // messages without blanks to fill in
	localizer *i18n.Localizer
	printer   *message.Printer
}

// loadWords reads the message files. They are part of the program, so a fault in one is a panic.
func loadWords() map[string]*words {
	bundle := i18n.NewBundle(language.English)
	out := map[string]*words{}
	for _, lang := range languages {
		w := &words{lang: lang, plain: map[string]string{}, printer: message.NewPrinter(language.MustParse(lang))}
		for _, name := range messageFiles(lang) {
			raw, err := messages.ReadFile("messages/" + name)
			if err != nil {
				panic(err)
			}
			file, err := i18n.ParseMessageFileBytes(raw, lang+".json", map[string]i18n.UnmarshalFunc{"json": json.Unmarshal})
			if err != nil {
				panic(fmt.Errorf("web: messages of %s: %w", name, err))
			}
			for _, m := range file.Messages {
				if m.One == "" && !strings.Contains(m.Other, "{{") {
					w.plain[m.ID] = m.Other
				}
				if m.One != "" && m.Many == "" {
					m.Many = m.Other // Portuguese has a form for whole millions, which reads the same here
				}
			}
			bundle.MustAddMessages(file.Tag, file.Messages...)
		}
		out[lang] = w
	}
	for lang, w := range out {
		w.localizer = i18n.NewLocalizer(bundle, lang)
	}
	return out
}

// messageFiles are the files of a language.
func messageFiles(lang string) (names []string) {
	all, err := messages.ReadDir("messages")
	if err != nil {
		panic(err)
	}
	for _, f := range all {
		if f.Name() == lang+".json" || strings.HasSuffix(f.Name(), "."+lang+".json") {
			names = append(names, f.Name())
		}
	}
	return names
}

// T is the message with its blanks filled in from pairs of name and value. A number under the name Count chooses the
// plural; numbers are written as the language does. An unknown key is shown as it is.
func (w *words) T(key string, pairs ...any) string {
	if len(pairs) == 0 {
		if text, ok := w.plain[key]; ok {
			return text
		}
	}
	config := i18n.LocalizeConfig{MessageID: key}
	data := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := fmt.Sprint(pairs[i]), pairs[i+1]
		if n, ok := value.(int); ok {
			data[name] = w.Number(n)
			if name == "Count" {
				config.PluralCount = n
			}
			continue
		}
		data[name] = fmt.Sprint(value)
	}
	config.TemplateData = data
	text, err := w.localizer.Localize(&config)
	if err != nil {
		return key
	}
	return text
}

// Number writes a whole number with the language's marks for thousands.
func (w *words) Number(n int) string { return w.printer.Sprintf("%d", n) }

// Day is "22 Nov 2026".
func (w *words) Day(t time.Time) string {
	return w.T("format.day", "Day", fmt.Sprint(t.Day()), "Month", w.month(t), "Year", fmt.Sprint(t.Year()))
}

// Date is a date as people read it, "22 Nov 2026", or "22 November" of one without a year; ok is false of what is none.
func (w *words) Date(v record.Value) (text string, ok bool) {
	if day, ok := record.Yearless(v); ok {
		return w.T("format.yearless", "Day", fmt.Sprint(day.Day()), "Month", w.T("month."+fmt.Sprint(int(day.Month())))), true
	}
	day, err := time.Parse(time.DateOnly, string(v))
	if err != nil {
		return "", false
	}
	return w.Day(day), true
}

// LongDay is "Sunday, 22 November".
func (w *words) LongDay(t time.Time) string {
	return w.T("format.long_day", "Weekday", w.T("weekday."+fmt.Sprint(int(t.Weekday()))),
		"Day", fmt.Sprint(t.Day()), "Month", w.T("month."+fmt.Sprint(int(t.Month()))))
}

// Clock is "15:04", or "3:04 PM" where people read it so.
func (w *words) Clock(t time.Time) string { return t.Format(w.T("format.clock")) }

// Moment is day and clock.
func (w *words) Moment(t time.Time) string {
	return w.T("format.moment", "Day", w.Day(t), "Time", w.Clock(t))
}

func (w *words) month(t time.Time) string { return w.T("month_short." + fmt.Sprint(int(t.Month()))) }

// Ago tells how long ago something was, roughly; far back it is the day.
func (w *words) Ago(t, now time.Time, zone *time.Location) string {
	switch d := now.Sub(t); {
	case t.IsZero():
		return w.T("time.never")
	case d < time.Minute:
		return w.T("time.just_now")
	case d < time.Hour:
		return w.T("time.minutes_ago", "Count", int(d/time.Minute))
	case d < 24*time.Hour:
		return w.T("time.hours_ago", "Count", int(d/time.Hour))
	default:
		return w.Day(t.In(zone))
	}
}

// Left tells how long something will still take, roughly.
func (w *words) Left(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return w.T("time.moment_left")
	case d < time.Minute:
		return w.T("time.seconds_left", "Count", int(d.Round(10*time.Second)/time.Second))
	case d < time.Hour:
		return w.T("time.minutes_left", "Count", int((d+30*time.Second)/time.Minute))
	default:
		return w.T("time.hours_left", "Count", int((d+30*time.Minute)/time.Hour))
	}
}

// langCookie remembers the language of whoever is not signed in.
const langCookie = "tandem_lang"

// chosenLanguage is the language that was chosen in this browser; "" if none was.
func chosenLanguage(r *http.Request) string {
	for _, s := range []Settings{{URL: "https://"}, {}} {
		if c, err := r.Cookie(s.cookieName(langCookie)); err == nil {
			return c.Value
		}
	}
	return ""
}

// negotiate chooses the language: the user's own, else what the browser chose here before, else what it asks for.
func (p *pages) negotiate(r *http.Request, own string) *words {
	if w, ok := p.words[own]; ok {
		return w
	}
	if w, ok := p.words[chosenLanguage(r)]; ok {
		return w
	}
	wanted, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		i = 0
	}
	return p.words[languages[i]]
}

var matcher = func() language.Matcher {
	tags := make([]language.Tag, len(languages))
	for i, lang := range languages {
		tags[i] = language.MustParse(lang)
	}
	return language.NewMatcher(tags)
}()
