package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/account"
	"tandem/internal/record"
)

func messageKeys(t *testing.T, lang string) map[string]json.RawMessage {
	t.Helper()
	out := map[string]json.RawMessage{}
	for _, name := range messageFiles(lang) {
		raw, err := messages.ReadFile("messages/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]json.RawMessage
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key, message := range file {
			if _, twice := out[key]; twice {
				t.Errorf("%s says %q a second time", name, key)
			}
			out[key] = message
		}
	}
	return out
}

func TestMessagesHaveTheSameKeysAndBlanks(t *testing.T) {
	t.Parallel()
	en, pt := messageKeys(t, "en"), messageKeys(t, "pt-BR")
	blank := regexp.MustCompile(`\.[A-Z]\w*`)
	for _, key := range slices.Sorted(maps.Keys(en)) {
		if _, ok := pt[key]; !ok {
			t.Errorf("pt-BR lacks %q", key)
			continue
		}
		names := func(raw json.RawMessage) []string {
			found := blank.FindAllString(string(raw), -1)
			slices.Sort(found)
			return slices.Compact(found)
		}
		if a, b := names(en[key]), names(pt[key]); !slices.Equal(a, b) {
			t.Errorf("%q has the blanks %v in en and %v in pt-BR", key, a, b)
		}
		if strings.HasPrefix(string(en[key]), "{") != strings.HasPrefix(string(pt[key]), "{") {
			t.Errorf("%q has plurals in one language only", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(pt)) {
		if _, ok := en[key]; !ok {
			t.Errorf("en lacks %q", key)
		}
	}
}

// builtKeys are the keys that code puts together from parts.
func builtKeys() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, p := range places {
		add("%s", p.Key)
	}
	for _, lang := range languages {
		add("language.%s", lang)
		add("language_short.%s", lang)
	}
	for _, r := range append([]string{"general"}, texts(reasons)...) {
		add("reason.%s.what", r)
		add("reason.%s.do", r)
	}
	for _, r := range append([]string{"general"}, texts(mendable)...) {
		add("reason.%s.do_outlook", r)
	}
	add("reason.%s.do_both", "bad_value")
	for _, r := range append([]string{"general"}, texts(fieldReasons)...) {
		add("field_error.%s", r)
	}
	for _, why := range whys {
		add("why.%s", why)
	}
	for _, a := range actions {
		add("history.%s", a)
	}
	for _, side := range []string{"crm", "microsoft", "none"} {
		add("side.%s", side)
	}
	for _, state := range append([]string{"none"}, recordStates...) {
		add("badge.%s", state)
	}
	for _, scope := range scopes {
		add("series.%s", scope)
	}
	for _, gender := range []string{"f", "m"} {
		for _, n := range []string{"1", "2", "3", "4", "5", "last1"} {
			add("nth.%s_%s", n, gender)
		}
		for _, freq := range []string{"weekly", "monthly", "yearly"} {
			add("repeat.%s_%s", freq, gender)
		}
	}
	add("flash.removed_this")
	add("flash.removed_following")
	for _, kind := range kinds {
		add("kind.%s", kind)
		for _, state := range []string{"none", "on", "first", "paused", "held", "switching"} {
			add("state.%s", state)
			add("card.%s.%s", kind, state)
		}
		for _, each := range []string{"trying", "attention"} {
			add("state.%s", each)
			add("card.%s.%s", kind, each)
		}
		for _, end := range append([]string{"general"}, texts(endings)...) {
			add("card.%s.ended.%s", kind, end)
		}
		for _, each := range []string{"title", "container", "left", "nothing", "kept"} {
			add("disable.%s.%s", kind, each)
		}
		add("card.%s.container", kind)
		add("records.%s.title", kind)
		add("flash.enabled_%s", kind)
		add("flash.disabled_%s", kind)
		for _, d := range record.Defs(kind) {
			add("field.%s", d.Name)
			for _, value := range d.Values {
				add("%s", choiceKey(d.Name, value))
			}
		}
	}
	for _, r := range account.Refusals {
		add("refusal.%s", r)
	}
	out = slices.Concat(out, launchKeys(), userKeys(), ownKeys(), askKeys(), mappingKeys(), optionKeys(), mailingKeys(), customKeys(), previewKeys(), importKeys(), exportKeys(), massKeys(), outlookNoteKeys(), listKeys(), findKeys(), historyKeys(), statusKeys())
	add("flash.answer_yes")
	add("flash.answer_no")
	add("flash.answer_growth")
	for _, g := range contactGroups {
		add("group.%s", g.key)
	}
	problems := []problem{problemGeneral, problemState, problemPersonal, problemAway, problemApp, problemDeactivated,
		problemOtherPerson, problemNotTied, problemPartly, problemTicket, problemConsented}
	for _, row := range said {
		problems = append(problems, row.problem)
	}
	for _, p := range problems {
		add("problem.%s.title", p.key)
		add("problem.%s.text", p.key)
	}
	for _, word := range append(slices.Sorted(maps.Values(kindWords)), "method") {
		add("error.%s.title", word)
		add("error.%s.text", word)
	}
	add("reminder.none")
	for _, minutes := range reminders[1:] {
		add("reminder.%s", minutes)
	}
	for _, f := range freqs {
		add("repeat.%s", f.name)
		add("repeat.every_%s", f.name)
		add("repeat.unit_%s", f.name)
	}
	for _, each := range []string{"by_date", "by_weekday", "end_never", "end_until", "end_count"} {
		add("repeat.%s", each)
	}
	for _, each := range []string{"repeat_interval", "repeat_until", "repeat_count"} {
		add("field_error.%s", each)
	}
	for _, v := range calendarViews {
		add("calendar.%s", v)
	}
	for i := range 12 {
		add("month.%d", i+1)
		add("month_short.%d", i+1)
	}
	for i := range 7 {
		add("weekday.%d", i)
		add("weekday_short.%d", i)
	}
	for _, part := range []string{"morning", "afternoon", "evening"} {
		add("home.%s", part)
	}
	for _, s := range firstSteps(account.SuperAdmin.Permissions(), make([]card, 2), 0, 0) {
		add("step.%s.title", s.Key)
		add("step.%s.text", s.Key)
	}
	return out
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

var (
	keyInTemplate = regexp.MustCompile(`[{( ]t "([^"]+)"`)
	keyInGo       = regexp.MustCompile(`\b(?:T|flash\{Key:)[( ]"([^"]+)"(\+?)`)
)

// Every key that templates and code name exists, and none lies about unused.
func TestMessagesAreThoseInUse(t *testing.T) {
	t.Parallel()
	have := messageKeys(t, "en")
	used := map[string]string{}
	for _, key := range builtKeys() {
		used[key] = "put together in code"
	}
	for pattern, find := range map[string]*regexp.Regexp{"templates/*.html": keyInTemplate, "*.go": keyInGo} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range find.FindAllStringSubmatch(string(raw), -1) {
				if begun := len(m) > 2 && m[2] != "" || strings.HasSuffix(m[1], ".") || strings.HasSuffix(m[1], "_"); !begun {
					used[m[1]] = file
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		if _, ok := have[key]; !ok {
			t.Errorf("no message %q, used in %s", key, used[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if used[key] == "" {
			t.Errorf("message %q is used nowhere", key)
		}
	}
}

// Every template can be read, also those that no test opens.
func TestEveryTemplateParses(t *testing.T) {
	t.Parallel()
	p := parsePages(loadAssets())
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, lang := range languages {
			if _, err := p.page(lang, strings.TrimSuffix(f.Name(), ".html")); err != nil {
				t.Errorf("%s in %s: %v", f.Name(), lang, err)
			}
		}
	}
}

func TestPluralsAndNumbers(t *testing.T) {
	t.Parallel()
	all := loadWords()
	for _, row := range []struct {
		lang, key string
		count     int
		want      string
	}{
		{"en", "contacts.count", 1, "1 contact"},
		{"en", "contacts.count", 12345, "12,345 contacts"},
		{"pt-BR", "contacts.count", 1, "1 contato"},
		{"pt-BR", "contacts.count", 0, "0 contato"},
		{"pt-BR", "contacts.count", 12345, "12.345 contatos"},
		{"pt-BR", "contacts.count", 1000000, "1.000.000 contatos"},
	} {
		if got := all[row.lang].T(row.key, "Count", row.count); got != row.want {
			t.Errorf("%s %s %s: %q, expected %q", row.lang, row.key, strconv.Itoa(row.count), got, row.want)
		}
	}
}
