package web

import (
	"strings"
	"testing"

	"tandem/internal/record"
)

// A birthday of which the year is not known is shown, typed, kept and corrected without one.
func TestABirthdayWithoutAYear(t *testing.T) {
	t.Parallel()
	const adele = "adele@contoso.example"
	w := newWorld(t)
	b := w.as(adele)
	r := w.contact(adele, record.Fields{record.LastName: "Silva", record.DateOfBirth: "1604-02-29"})
	path := "/contacts/" + r.ID.String()
	now := func() record.Value {
		t.Helper()
		got, err := w.crm.Get(t.Context(), w.actor(adele), record.Contacts, r.ID)
		w.must(err)
		return got.Fields[record.DateOfBirth]
	}
	page := b.get(path)
	for _, want := range []string{`<details class="yearless" open>`, `<option value="29" selected>29</option>`, `<option value="02" selected>February</option>`, `id="f-Date_of_Birth" name="Date_of_Birth" value=""`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the form lacks %s", want)
		}
	}
	if strings.Contains(page.text(), "1604") {
		t.Error("the page shows a year")
	}
	const day, month, was = "Date_of_Birth.day", "Date_of_Birth.month", "Date_of_Birth.was"
	for _, c := range []struct {
		deed string
		said []string
		want record.Value
	}{
		{"nothing is touched", []string{"Date_of_Birth", "", was, "1604-02-29", day, "29", month, "02", "Title", "CEO"}, "1604-02-29"},
		{"the year is learnt", []string{"Date_of_Birth", "1990-03-01", was, "1604-02-29", day, "29", month, "02"}, "1990-03-01"},
		{"nothing is touched again", []string{"Date_of_Birth", "1990-03-01", was, "1990-03-01", day, "", month, ""}, "1990-03-01"},
		{"the year was wrong", []string{"Date_of_Birth", "1990-03-01", was, "1990-03-01", day, "01", month, "03"}, "1604-03-01"},
		{"another day", []string{"Date_of_Birth", "", was, "1604-03-01", day, "02", month, "12"}, "1604-12-02"},
		{"taken away", []string{"Date_of_Birth", "", was, "1604-12-02", day, "", month, ""}, ""},
		{"a program of somebody's knows only dates", []string{"Date_of_Birth", "1980-05-06"}, "1980-05-06"},
		{"taken away again", []string{"Date_of_Birth", "", was, "1980-05-06", day, "", month, ""}, ""},
	} {
		version := hiddenValue(t, b.get(path).body, "version")
		if got := b.post(path, append(c.said, "version", version)...); got.status != 200 {
			t.Fatalf("%s: %d\n%s", c.deed, got.status, got.text())
		}
		if got := now(); got != c.want {
			t.Fatalf("%s: %q, want %q", c.deed, got, c.want)
		}
	}

	for _, wrong := range [][]string{{day, "30", month, "02"}, {day, "", month, "05"}, {day, "03", month, ""}} {
		got := b.post(path, append(wrong, "Date_of_Birth", "", was, "", "version", hiddenValue(t, b.get(path).body, "version"))...)
		if got.status != 422 || !strings.Contains(got.body, `data-field-error="Date_of_Birth"`) || !strings.Contains(got.body, `<details class="yearless" open>`) || now() != "" {
			t.Errorf("%q: %d, %q", wrong, got.status, now())
		}
	}
	// Typed newly, and with it its group is open.
	if got := b.post("/contacts", "Last_Name", "Costa", "Date_of_Birth", "", was, "", day, "07", month, "09"); got.status != 200 || !strings.Contains(got.body, `<option value="09" selected>September`) {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	if got := b.post("/contacts/columns", "column", "Date_of_Birth", "next", "/contacts"); !strings.Contains(got.text(), "7 September") || strings.Contains(got.text(), "1604") {
		t.Errorf("the list:\n%s", got.text())
	}
}

func TestADateIsReadInEveryLanguage(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][2]string{"en": {"29 February", "29 Feb 1980"}, "pt-BR": {"29 de fevereiro", "29 de fev. de 1980"}} {
		words := loadWords()[lang]
		for i, v := range []record.Value{"1604-02-29", "1980-02-29"} {
			if got, ok := words.Date(v); !ok || got != want[i] {
				t.Errorf("%s: %q is %q", lang, v, got)
			}
		}
		if got, ok := words.Date("soon"); ok {
			t.Errorf("%q", got)
		}
	}
}
