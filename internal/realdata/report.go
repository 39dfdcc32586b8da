package realdata

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"tandem/internal/importfile"
)

// Report is what came of everything.
type Report struct {
	Zone    string   `json:"zone"`
	Entries []*Entry `json:"entries"`
}

// plans are the records of a module, or all.
func (r *Report) plans(module string) []*Plan {
	var out []*Plan
	for _, e := range r.Entries {
		for _, p := range e.Plans {
			if module == "" || p.Module == module {
				out = append(out, p)
			}
		}
	}
	return out
}

// Totals add up: Events and Cards are those of the input, each with at least one record or a reason why it has none;
// Records = Inserted + Refused; Properties = Carried + everything in Reasons.
type Totals struct {
	Files, Events, Cards, Others, Without int
	Records, Inserted, Refused            int
	Same, Different, NotInStep            int // of the inserted ones
	Properties, Carried                   int
	Reasons                               map[Reason]int
	States                                map[string]int // of the records in their links
	Fields                                map[string]int // differences, "crm>outlook Description"
}

// Totals counts.
func (r *Report) Totals() Totals {
	t := Totals{Reasons: Count(r.Entries), States: map[string]int{}, Fields: map[string]int{}}
	t.Carried = t.Reasons[""]
	files := map[string]bool{}
	for _, e := range r.Entries {
		files[e.File] = true
		t.Properties += len(e.Items)
		switch e.Kind {
		case "VEVENT":
			t.Events++
		case "VCARD":
			t.Cards++
		default:
			t.Others++
		}
		if len(e.Plans) == 0 && (e.Kind == "VEVENT" || e.Kind == "VCARD") {
			t.Without++
		}
		for _, p := range e.Plans {
			t.Records++
			if p.ID == "" {
				t.Refused++
				continue
			}
			t.Inserted++
			switch {
			case p.State != "" && p.State != "synced":
				t.NotInStep++
			case len(p.Diffs) > 0:
				t.Different++
			default:
				t.Same++
			}
			if p.State != "" {
				t.States[strings.TrimSpace(p.State+" "+strings.SplitN(p.Reason, " (", 2)[0])]++
			}
			for _, d := range p.Diffs {
				t.Fields[d.From+" > "+d.To+" "+d.Field]++
			}
		}
	}
	t.Files = len(files)
	delete(t.Reasons, "")
	return t
}

// Unexplained is how many records differ somewhere, or are lost, without a reason that names why.
func (r *Report) Unexplained() int {
	n := 0
	for _, p := range r.plans("") {
		if len(p.Diffs) > 0 || p.State == unknown || p.State == absent || p.ID == "" && p.Refused == "" {
			n++
		}
	}
	return n
}

// JSON writes everything.
func (r *Report) JSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", " ")
	return out.Encode(struct {
		Totals Totals `json:"totals"`
		*Report
	}{r.Totals(), r})
}

// Markdown writes the summary, a line for each file, and everything that is not simply the same.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	t := r.Totals()
	fmt.Fprintf(&b, "# Real data\n\n%d files, %d events, %d cards, %d other components. Times without a zone are those of %s.\n\n",
		t.Files, t.Events, t.Cards, t.Others, r.Zone)
	fmt.Fprintf(&b, "| | number |\n|---|---:|\n| records made of them | %d |\n| events and cards without a record | %d |\n| inserted | %d |\n| refused | %d |\n"+
		"| same everywhere | %d |\n| with a difference | %d |\n| not in Outlook, with a reason | %d |\n| properties | %d |\n| of these carried as they are | %d |\n",
		t.Records, t.Without, t.Inserted, t.Refused, t.Same, t.Different, t.NotInStep, t.Properties, t.Carried)
	b.WriteString("\n## Properties that are not simply where they were\n\n| reason | number | the content is still there | what it means |\n|---|---:|---|---|\n")
	for _, reason := range byReason(t.Reasons) {
		fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", reason, t.Reasons[reason], kept(reason), importfile.Explain(reason))
	}
	table(&b, "Where the records stand in sync", t.States)
	table(&b, "Fields that differ", t.Fields)
	r.files(&b)
	r.details(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func kept(r Reason) string {
	for _, row := range importfile.Reasons {
		if row.Reason == r && row.Kept {
			return "yes"
		}
	}
	return "no"
}

func table(b *strings.Builder, title string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n| what | number |\n|---|---:|\n", title)
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y string) int { return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y)) })
	for _, k := range keys {
		fmt.Fprintf(b, "| %s | %d |\n", cell(k), counts[k])
	}
}

func (r *Report) files(b *strings.Builder) {
	b.WriteString("\n## Files\n\n| file | entries | records | refused | different | not in Outlook | properties not simply carried |\n|---|---:|---:|---:|---:|---:|---:|\n")
	var names []string
	by := map[string]*Report{}
	for _, e := range r.Entries {
		if by[e.File] == nil {
			by[e.File] = &Report{}
			names = append(names, e.File)
		}
		by[e.File].Entries = append(by[e.File].Entries, e)
	}
	for _, name := range names {
		t := by[name].Totals()
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d |\n", cell(name), t.Events+t.Cards, t.Records, t.Refused, t.Different, t.NotInStep, t.Properties-t.Carried)
	}
}

// untold are the reasons that only the JSON report lists one by one, because they say nothing about one record.
var untold = map[Reason]bool{
	"": true, importfile.Bookkeeping: true, importfile.Custom: true, importfile.NoField: true, importfile.FileWide: true, importfile.ZoneRules: true, importfile.AlarmDetails: true,
	importfile.InDescription: true, importfile.Implied: true, importfile.NotAnEvent: true,
}

func (r *Report) details(b *strings.Builder) {
	b.WriteString("\n## Record by record\n\nOnly what is worth a look; the JSON report has everything.\n")
	for _, e := range r.Entries {
		var lines []string
		if len(e.Plans) == 0 && (e.Kind == "VEVENT" || e.Kind == "VCARD" || e.Kind == "FILE") {
			lines = append(lines, fmt.Sprintf("no record: %s", importfile.Explain(e.Why)))
		}
		for _, i := range e.Items {
			if !untold[i.Reason] {
				lines = append(lines, fmt.Sprintf("%s `%s`: %s %s", i.Property, clip(i.Value, 60), importfile.Explain(i.Reason), i.Detail))
			}
		}
		for _, p := range e.Plans {
			if p.Refused != "" {
				lines = append(lines, "refused: "+p.Refused)
			}
			if p.State != "" && p.State != "synced" {
				lines = append(lines, fmt.Sprintf("record %s is %s: %s", p.ID, p.State, p.Reason))
			}
			for _, d := range p.Diffs {
				lines = append(lines, fmt.Sprintf("record %s, %s: %s has `%s`, %s has `%s`", p.ID, d.Field, d.From, clip(d.Was, 120), d.To, clip(d.Is, 120)))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(b, "\n**%s**, %s %d, %s\n\n", cell(e.File), e.Kind, e.Place, cell(e.Name))
			for _, line := range lines {
				fmt.Fprintf(b, "- %s\n", strings.TrimSpace(cell(line)))
			}
		}
	}
}

// cell keeps a text from ending its place in a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }
