package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// importPage tells how far an import is, and at the end what became of it.
type importPage struct {
	Frame    frame
	Path     string
	File     string
	Kind     string
	State    string
	Moving   bool // rows are being taken, or taken back
	Own      bool
	At, Rows int
	Counts   []previewCount
	Back     []previewCount // after an undo
	Notes    []whyLine
	Failed   []importFailedRow
	MoreBad  int
	Why      string // of a failed one
	Undoable bool
	Synced   bool // imported records of this kind are synced
	List     string
	Mass     string // where imported records are updated together; "": they may not be
}

type importFailedRow struct {
	Row  int
	Name string
	Whys []string
}

func (s *Site) importReport(v *visit, i intake.Import, part bool) error {
	page := importPage{
		Path: importPath + "/" + url.PathEscape(i.ID), File: i.File, Kind: string(i.Kind), State: string(i.State), Own: i.User == v.user.ID,
		Moving: i.State == intake.Running || i.State == intake.Undoing, At: i.At, Rows: i.Rows, Synced: v.org.Admits(i.Kind),
		Undoable: i.State == intake.Done || i.State == intake.Stopped || i.State == intake.Failed,
		List:     map[record.Kind]string{record.Contacts: "/contacts", record.Calendar: "/calendar"}[i.Kind],
		Mass:     v.massImported(i.Kind),
	}
	c := i.Counts
	page.Undoable = page.Undoable && c.Created+c.Updated > 0 && page.Own
	page.Counts = []previewCount{{"created", c.Created}, {"updated", c.Updated}, {"same", c.Same}, {"skipped", c.Skipped}, {"failed", c.Failed}}
	if i.State == intake.Undoing || i.State == intake.Undone {
		page.Back = []previewCount{{"removed", c.Removed}, {"restored", c.Restored}, {"kept", c.Kept}}
		if i.State == intake.Undoing && i.Rows > 0 { // lines are looked at from the last
			page.At = 0
			if i.At > 0 {
				page.At = i.Rows - i.At + 1
			}
		}
	}
	if i.State == intake.Failed {
		page.Why = v.fileWords(i.Reason)
	}
	for _, reason := range intake.Telling {
		if n := c.Notes[reason]; n > 0 {
			page.Notes = append(page.Notes, whyLine{string(reason), v.words.T("import.note." + string(reason)), n})
		}
	}
	if c.Failed > 0 && v.sees(i.Kind) {
		lines, err := s.Imports.FailedLines(v.ctx(), i.Org, i.ID, 0, importsFailed)
		if err != nil {
			return err
		}
		for _, l := range lines {
			page.Failed = append(page.Failed, v.failedRow(i.Kind, l))
		}
		page.MoreBad = c.Failed - len(lines)
	}
	if part {
		return s.part(v, "import", "import-part", page)
	}
	page.Frame = s.frame(v, importSection(i.Kind), v.words.T("import.report_title", "File", i.File))
	return s.render(v, http.StatusOK, "import", page)
}

func (v *visit) failedRow(kind record.Kind, l intake.Line) importFailedRow {
	row := importFailedRow{Row: l.Row, Name: l.Name}
	if row.Name == "" {
		row.Name = shortCells(l.Cells)
	}
	for _, why := range l.Whys {
		row.Whys = append(row.Whys, v.importWhy(kind, why))
	}
	return row
}

// shortCells is the beginning of a row, to know it again.
func shortCells(cells []string) string {
	var out []string
	for _, c := range cells {
		if c = strings.Join(strings.Fields(c), " "); c != "" && len(out) < 4 {
			out = append(out, c)
		}
	}
	text := []rune(strings.Join(out, " · "))
	if len(text) > 120 {
		return string(text[:120]) + "…"
	}
	return string(text)
}

// importReasons are the reasons for which single rows are not taken.
var importReasons = []string{
	string(fault.BadValue), string(fault.Mandatory), string(fault.TooLong), string(fault.NotExpressible), string(fault.UnknownField), string(fault.ReadOnlyField),
	string(fault.NotAllowed), string(importfile.Unreadable), string(importfile.NotAnEvent), string(importfile.NoStart), string(importfile.BadTime),
}

// importWhy says why a row was not taken.
func (v *visit) importWhy(kind record.Kind, why intake.Why) string {
	key := "general"
	if slices.Contains(importReasons, why.Reason) {
		key = why.Reason
	}
	text := v.words.T("import.why." + key)
	if why.Field == "" {
		return text
	}
	if why.Value != "" {
		return v.label(kind, why.Field) + " “" + why.Value + "”: " + text
	}
	return v.label(kind, why.Field) + ": " + text
}

// importFailed streams the rows that were not taken, each as it stood in the file, with the reason: to be mended and brought again.
func (s *Site) importFailed(v *visit) error {
	i, err := s.theImport(v)
	if err != nil {
		return err
	}
	if err := v.needs(i.Kind, viewing); err != nil {
		return err
	}
	lines, err := s.Imports.FailedLines(v.ctx(), i.Org, i.ID, 0, importsExport)
	if err != nil {
		return err
	}
	head := []string{v.words.T("import.csv.row"), v.words.T("import.csv.why")}
	if i.Settings.Format.Table() {
		for n, c := range i.Settings.Columns {
			if c.Name == "" {
				c.Name = v.words.T("import.column", "N", n+1)
			}
			head = append(head, defused(c.Name))
		}
	} else {
		head = append(head, v.words.T("import.csv.name"))
	}
	out := v.csvFile("tandem-import-"+string(i.Kind)+"-"+i.Begun.UTC().Format(time.DateOnly), head...)
	for len(lines) > 0 {
		for _, l := range lines {
			var whys []string
			for _, why := range l.Whys {
				whys = append(whys, v.importWhy(i.Kind, why))
			}
			cells := append([]string{strconv.Itoa(l.Row), strings.Join(whys, "; ")}, l.Cells...)
			if !i.Settings.Format.Table() {
				cells = append(cells, l.Name)
			}
			for n := range cells {
				cells[n] = defused(cells[n])
			}
			_ = out.Write(cells)
		}
		if out.Flush(); out.Error() != nil {
			return nil // the reader went away
		}
		if lines, err = s.Imports.FailedLines(v.ctx(), i.Org, i.ID, lines[len(lines)-1].N, importsExport); err != nil {
			s.cutOff(v, err)
		}
	}
	out.Flush()
	return nil
}
