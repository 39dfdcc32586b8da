package importfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder is where real files are, beside the repository.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("there are no real files in %s", dir)
	}
	return dir
}

// entry is what stands in one file.
type entry struct {
	*Entry
	File string
}

func readAll(t *testing.T, dir, end string, read func(text string) []*Entry) (all []entry) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+end))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range read(Decode(raw)) {
			all = append(all, entry{e, filepath.Base(file)})
		}
	}
	return all
}

// Every property of every real file is accounted for: as many items as content lines, counted by other means.
func TestAccountingOfRealCalendarsIsComplete(t *testing.T) {
	t.Parallel()
	dir := folder(t, "calendars")
	entries := readAll(t, dir, ".ics", func(text string) []*Entry { return Events(text, "America/Sao_Paulo") })
	items, events := map[string]int{}, 0
	for _, e := range entries {
		items[e.File] += len(e.Items)
		if e.Kind == "VEVENT" {
			events++
			if (len(e.Plans) == 0) != (e.Why != "") {
				t.Errorf("%s: %d records, why %q", e.File, len(e.Plans), e.Why)
			}
		}
		for _, i := range e.Items {
			if i.Field == "" && i.Reason == "" || i.Reason != "" && Explain(i.Reason) == string(i.Reason) {
				t.Errorf("%s: %s went nowhere without an explained reason (%q)", e.File, i.Property, i.Reason)
			}
		}
	}
	lines, begun := 0, 0
	files, _ := filepath.Glob(filepath.Join(dir, "*.ics"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, line := range strings.Split(strings.ReplaceAll(Decode(raw), "\r", "\n"), "\n") {
			switch upper := strings.ToUpper(line); {
			case line == "" || line[0] == ' ' || line[0] == '\t' || strings.HasPrefix(upper, "END:"):
			case strings.HasPrefix(upper, "BEGIN:"):
				if strings.HasPrefix(upper, "BEGIN:VEVENT") {
					begun++
				}
			default:
				n++
			}
		}
		if got := items[filepath.Base(file)]; got != n {
			t.Errorf("%s: %d content lines, %d items", filepath.Base(file), n, got)
		}
		lines += n
	}
	if events != begun {
		t.Errorf("%d events of %d", events, begun)
	}
	t.Logf("%d events, %d properties", events, lines)
}

func TestAccountingOfRealCardsIsComplete(t *testing.T) {
	t.Parallel()
	dir := folder(t, "contacts")
	entries := readAll(t, dir, ".vcf", Cards)
	items, cards := map[string]int{}, 0
	for _, e := range entries {
		cards++
		for _, i := range e.Items {
			if i.Property != "(no name)" {
				items[e.File]++
			}
			if i.Field == "" && i.Reason == "" || i.Reason != "" && Explain(i.Reason) == string(i.Reason) {
				t.Errorf("%s: %s went nowhere without an explained reason (%q)", e.File, i.Property, i.Reason)
			}
		}
	}
	begun := 0
	files, _ := filepath.Glob(filepath.Join(dir, "*.vcf"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, line := range joinLines(Decode(raw)) {
			switch strings.ToUpper(strings.TrimSpace(line)) {
			case "BEGIN:VCARD":
				begun++
			case "END:VCARD":
			default:
				n++
			}
		}
		if got := items[filepath.Base(file)]; got != n {
			t.Errorf("%s: %d content lines, %d items", filepath.Base(file), n, got)
		}
	}
	if cards != begun {
		t.Errorf("%d cards of %d", cards, begun)
	}
	t.Logf("%d cards", cards)
}
