package web

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
	"tandem/internal/store"
)

// fakeImports work on an import as soon as it begins, unless they are held.
type fakeImports struct {
	*intake.Desk
	*store.Imports
	held *bool
}

func (f fakeImports) Begin(ctx context.Context, i intake.Import) error {
	if err := f.Desk.Start(ctx, i); err != nil || *f.held {
		return err
	}
	return f.Work(ctx, i.Org, i.ID)
}

func (f fakeImports) TakeBack(ctx context.Context, i intake.Import) error {
	if err := f.Desk.Undo(ctx, i); err != nil || *f.held {
		return err
	}
	return f.Work(ctx, i.Org, i.ID)
}

func (w *world) imports() fakeImports {
	var last atomic.Int64
	return fakeImports{&intake.Desk{Origin: "127.0.0.1", Store: w.store.Imports(), Records: w.crm, Now: w.now,
		NewID: func() string { return fmt.Sprint("import-", last.Add(1)) },
		Actor: w.working(func(may account.Permissions) bool { return may.Import })}, w.store.Imports(), new(bool)}
}

// bring is a file of a user's that waits for what is to be said of it.
func (w *world) bring(upn string, kind record.Kind, name, file string) intake.Import {
	w.t.Helper()
	u := w.users[upn]
	i, err := w.site.Imports.Receive(context.Background(), u.Org, u.ID, kind, name, "America/Sao_Paulo", true, strings.NewReader(file), nil)
	w.must(err)
	return i
}

// upload sends a form with a file.
func (b *browser) uploadImport(kind record.Kind, name, file string) answer {
	b.w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("kind", string(kind)); err != nil {
		b.w.t.Fatal(err)
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		b.w.t.Fatal(err)
	}
	if _, err := part.Write([]byte(file)); err != nil {
		b.w.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		b.w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodPost, b.w.url+"/import", &body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return b.do(req)
}

func importKeys() (out []string) {
	for _, s := range []intake.State{intake.Draft, intake.Running, intake.Done, intake.Stopped, intake.Failed, intake.Undoing, intake.Undone} {
		out = append(out, "import.state."+string(s))
	}
	for _, s := range []intake.State{intake.Done, intake.Stopped, intake.Failed, intake.Undone} {
		out = append(out, "import.ended."+string(s))
	}
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		for _, key := range []string{"synced", "not_synced", "duplicates_of", "list", "columns_lack"} {
			out = append(out, "import."+key+"."+string(kind))
		}
		for _, t := range intake.Targets(record.Standard(kind)) {
			if name, ok := strings.CutPrefix(string(t), "-"); ok {
				out = append(out, "import.target."+name)
			}
		}
	}
	for _, key := range []string{"separator.comma", "separator.semicolon", "separator.tab", "separator.bar", "days.dmy", "days.mdy",
		"duplicates.skip", "duplicates.update", "duplicates.create", "file.general", "why.general"} {
		out = append(out, "import."+key)
	}
	for _, f := range []intake.Fate{intake.WillCreate, intake.WillUpdate, intake.WillSkip, intake.WillBeSame, intake.WillFollow, intake.WillFail} {
		out = append(out, "import.fate."+string(f))
	}
	for _, c := range []string{"created", "updated", "same", "skipped", "failed", "removed", "restored", "kept"} {
		out = append(out, "import.count."+c)
	}
	for _, r := range fileReasons {
		out = append(out, "import.file."+string(r))
	}
	for _, r := range importReasons {
		out = append(out, "import.why."+r)
	}
	for _, r := range intake.Telling {
		out = append(out, "import.note."+string(r))
	}
	return out
}

const brought = "Nome;Sobrenome;E-mail;Telefone;Nascimento;=Obs\n" +
	"Ana;Souza;ana@fabrica.example;+55 11 91234-5678;31/12/1990;VIP\n" +
	"Bia;Lima;bia@fabrica.example;;31/02/1990;=1+1\n" +
	"Caio;Alves;caio@fabrica.example;;01/02/1980;\n"

const broughtEvents = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nSUMMARY:Feira\nDTSTART:20261125T120000Z\nDTEND:20261125T130000Z\n" +
	"RRULE:FREQ=WEEKLY;COUNT=3\nURL:http://fabrica.example/\nEND:VEVENT\nBEGIN:VTODO\nSUMMARY:Tarefa\nEND:VTODO\nEND:VCALENDAR\n"

// S32: a file of contacts is brought without script, from the upload to taking it back.
func TestS32_ImportOfContacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(someone)
	if home := b.get("/import"); home.status != 200 || !strings.Contains(home.body, `id="import-file"`) {
		t.Fatalf("%d %s", home.status, home.body)
	}
	at := b.stay().uploadImport(record.Contacts, "pessoas.csv", brought)
	path := at.header.Get("Location")
	if at.status != 303 || !strings.HasPrefix(path, "/import/") {
		t.Fatalf("uploaded: %d to %q: %s", at.status, path, at.body)
	}
	draft := b.get(path)
	for _, want := range []string{
		`<option value="First_Name" selected>`, `<option value="Last_Name" selected>`, `<option value="Email" selected>`, `<option value="Date_of_Birth" selected>`,
		`data-fate="create"`, `data-fate="fail"`, `id="import-sync"`, "31/02/1990", `<option value="dmy" selected>`,
	} {
		if !strings.Contains(draft.body, want) {
			t.Errorf("the draft lacks %s", want)
		}
	}
	if n := w.count(someone, record.Contacts); n != 0 {
		t.Fatalf("%d contacts before it began", n)
	}
	// Two columns of one field are refused by the column.
	wrong := b.post(path, "column-0", "Email", "column-2", "Email", "do", "start")
	if wrong.status != 422 || !strings.Contains(wrong.body, `data-field-error="column-2"`) {
		t.Errorf("two columns of one field: %d", wrong.status)
	}
	none := b.post(path, "column-0", "", "column-1", "", "column-2", "", "do", "start")
	if none.status != 422 || !strings.Contains(none.body, `data-field-error="columns"`) {
		t.Errorf("no name: %d", none.status)
	}
	done := b.post(path, "column-0", "First_Name", "column-1", "Last_Name", "column-2", "Email", "column-5", "-notes", "duplicates", "skip", "do", "start")
	if done.status != 200 || !strings.Contains(done.body, `id="import" data-state="done"`) || !strings.Contains(done.body, `data-count="created"`) {
		t.Fatalf("%d %s", done.status, done.body)
	}
	found, err := w.crm.List(t.Context(), w.actor(someone), record.Contacts, crm.Query{Sort: crm.ByName})
	w.must(err)
	if len(found) != 2 || found[1].Fields[record.Description] != "=Obs: VIP" || found[1].Source != record.Import || found[0].Fields[record.DateOfBirth] != "1980-02-01" {
		t.Errorf("%+v", found)
	}
	// The rows that were not taken come as they stood, and a spreadsheet takes none of it for a formula.
	file := b.get(path + "/failed.csv")
	lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(file.body, "\ufeff")), "\r\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "Row,Reason,Nome,Sobrenome,E-mail,Telefone,Nascimento,'=Obs") ||
		!strings.HasPrefix(lines[1], "3,Date of birth “31/02/1990”: ") || !strings.HasSuffix(lines[1], ",Bia,Lima,bia@fabrica.example,,31/02/1990,'=1+1") {
		t.Errorf("%q", lines)
	}
	// Mended, that very file is imported, and what was defused in it is as it was.
	mended := b.stay().uploadImport(record.Contacts, "mended.csv", strings.Replace(file.body, ",,31/02/1990,", ",'+55 11 1,28/02/1990,", 1)).header.Get("Location")
	if got := b.post(mended, "do", "start"); !strings.Contains(got.body, `data-state="done"`) || w.count(someone, record.Contacts) != 3 {
		t.Errorf("mended: %d contacts", w.count(someone, record.Contacts))
	}
	if found, err := w.crm.List(t.Context(), w.actor(someone), record.Contacts, crm.Query{Search: "Lima"}); err != nil || len(found) != 1 || found[0].Fields[record.PhoneField] != "+55 11 1" {
		t.Errorf("mended: %+v, %v", found, err)
	}
	b.post(mended + "/undo")
	// The same file again: everything is there.
	again := b.stay().uploadImport(record.Contacts, "pessoas.csv", brought).header.Get("Location")
	if d := b.get(again); strings.Count(d.body, `data-fate="skip"`) != 2 || !strings.Contains(d.body, `<option value="-notes" selected>`) {
		t.Error("what is there is not skipped, or the columns are not remembered")
	}
	undone := b.post(path + "/undo")
	if !strings.Contains(undone.body, `data-state="undone"`) || w.count(someone, record.Contacts) != 0 {
		t.Errorf("undone: %d contacts left", w.count(someone, record.Contacts))
	}
	if b.post(again + "/drop"); b.get(again).status != 404 {
		t.Error("a discarded file is still there")
	}
}

// S20: what is imported into the calendar.
func TestS20_ImportOfEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(someone)
	path := b.stay().uploadImport(record.Calendar, "outlook.csv", "\"Subject\",\"Start Date\",\"Start Time\",\"End Date\",\"End Time\",\"All day event\",\"Location\",\"Show time as\"\r\n"+
		"Visit,11/25/2026,9:30:00 AM,11/25/2026,1:00:00 PM,False,Room 9,3\r\nHoliday,11/26/2026,12:00:00 AM,11/28/2026,12:00:00 AM,True,,2\r\nTrip,12/1/2026,,12/3/2026,,True,,\r\n").header.Get("Location")
	if done := b.post(path, "do", "start"); !strings.Contains(done.body, `data-state="done"`) {
		t.Fatalf("%d %s", done.status, done.body)
	}
	found, err := w.crm.List(t.Context(), w.actor(someone), record.Calendar, crm.Query{Sort: crm.ByStart})
	w.must(err)
	var told []string
	for _, r := range found {
		f := r.Fields
		told = append(told, fmt.Sprint(f[record.EventTitle], " ", f[record.Start], " ", f[record.End], " ", f[record.AllDay], " ", f[record.ShowAs], " ", r.Source))
	}
	want := "Visit 2026-11-25T12:30:00Z 2026-11-25T16:00:00Z false free Import|Holiday 2026-11-26 2026-11-28 true busy Import|Trip 2026-12-01 2026-12-04 true busy Import"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Whose an import is, and who may not import.
func TestImportsAreTheirPersons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.bring(someone, record.Contacts, "a.csv", brought)
	path := "/import/" + i.ID
	for upn, want := range map[string]int{colleague: 404, "admin@fabrikam.example": 404, "admin@contoso.example": 403} {
		b := w.as(upn)
		for _, p := range []string{path, path + "/undo", path + "/stop", path + "/drop"} {
			if got := b.post(p, "do", "start").status; got != want {
				t.Errorf("%s: POST %s: %d, want %d", upn, p, got, want)
			}
		}
		if got := b.get(path).status; got != want {
			t.Errorf("%s: %d, want %d", upn, got, want)
		}
	}
	w.must(w.site.Imports.Begin(t.Context(), i))
	if got := w.as(colleague).get(path + "/failed.csv").status; got != 404 {
		t.Errorf("a colleague reads the failed rows: %d", got)
	}
	if admin := w.as("admin@contoso.example"); admin.get(path).status != 200 || !strings.Contains(admin.get("/import").body, path) || strings.Contains(admin.get(path).body, `id="import-undo"`) {
		t.Error("who manages users does not see it, or may undo it")
	}
	w.profile(someone, func(p *account.Permissions) { p.Import = false })
	b := w.as(someone)
	for _, p := range []string{"/import", path, path + "/failed.csv"} {
		if got := b.get(p).status; got != 403 {
			t.Errorf("without the permission, %s: %d", p, got)
		}
	}
	if got := b.uploadImport(record.Contacts, "a.csv", brought).status; got != 403 {
		t.Errorf("without the permission, an upload: %d", got)
	}
	if strings.Contains(b.get("/contacts").body, `href="/import`) {
		t.Error("without the permission there is a link")
	}
	w.profile(colleague, func(p *account.Permissions) { p.Events.Create, p.SyncCalendar = false, false })
	if got := w.as(colleague).uploadImport(record.Calendar, "a.csv", "Subject,Start\nA,2026-11-25\n").status; got != 403 {
		t.Errorf("who may not make events imports some: %d", got)
	}
}

// A file that cannot be read is refused in words, by the field, and nothing of it is kept.
func TestFilesAreRefusedInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(someone)
	for _, c := range []struct {
		name, file string
		reason     fault.Reason
	}{
		{"a.csv", "", importfile.FileEmpty}, {"a.xlsx", "PK\x03\x04 broken", importfile.FileBroken}, {"a.png", "\x89PNG\r\n\x1a\n", importfile.FileUnknown},
		{"a.csv", "Nome\n" + strings.Repeat("a\n", importfile.MaxRows+1), importfile.FileRows},
	} {
		got := b.uploadImport(record.Contacts, c.name, c.file)
		words := w.site.pages.words["en"].T("import.file."+string(c.reason), "Rows", "100,000", "MB", "64")
		if got.status != 422 || !strings.Contains(got.body, words) || !strings.Contains(got.body, `data-field-error="file"`) {
			t.Errorf("%s: %d, without %q", c.reason, got.status, words)
		}
	}
	if got := b.post("/import", "kind", "contacts"); got.status != 422 {
		t.Errorf("without a file: %d", got.status)
	}
	if n, err := w.store.Imports().ImportRows(t.Context()); err != nil || n != 0 {
		t.Errorf("%d pieces are left, %v", n, err)
	}
}

// Read anew with another encoding, letters are right.
func TestAnotherEncodingIsChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(someone)
	path := b.stay().uploadImport(record.Contacts, "a.csv", "Last name,City\n\xc8\xe2\xe0\xed\xee\xe2,\xcc\xee\xf1\xea\xe2\xe0\n").header.Get("Location") // windows-1251
	if strings.Contains(b.get(path).body, "Москва") {
		t.Fatal("it was guessed")
	}
	if got := b.post(path, "do", "look", "encoding", "windows-1251", "separator", ",", "header", "true"); !strings.Contains(got.body, "Москва") {
		t.Error("it is not read anew")
	}
	if got := b.post(path, "do", "look", "encoding", "utf-7", "separator", ","); got.status != 200 || !strings.Contains(got.body, `id="toast"`) || !strings.Contains(got.body, "Москва") {
		t.Errorf("an encoding that there is not: %d", got.status)
	}
}

func (w *world) count(upn string, kind record.Kind) int {
	w.t.Helper()
	n, err := w.crm.Count(context.Background(), w.actor(upn), kind, crm.Query{Owner: w.users[upn].ID})
	w.must(err)
	return n
}

// Every real file is imported, or says why not: each of its rows becomes a record or has a reason in words.
func TestRealFilesAreImported(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.[iv]c[sf]"))
	if err != nil || len(files) == 0 {
		t.Skipf("there are no real files in %s", dir)
	}
	w := newWorld(t)
	b := w.as(someone)
	general := w.site.pages.words["en"].T("import.why.general")
	rows, made, failed, refused := 0, 0, 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		w.must(err)
		kind := record.Calendar
		if filepath.Ext(file) == ".vcf" {
			kind = record.Contacts
		}
		name := filepath.Base(file)
		got := b.stay().uploadImport(kind, name, string(raw))
		if got.status == 422 {
			if refused++; !strings.Contains(got.body, w.site.pages.words["en"].T("import.file.file_empty")) {
				t.Errorf("%s is refused: %s", name, got.body)
			}
			continue
		}
		path, err := url.PathUnescape(got.header.Get("Location"))
		w.must(err)
		b.post(path, "duplicates", "create", "do", "start")
		i, err := w.site.Imports.Import(t.Context(), w.org.ID, strings.TrimPrefix(path, "/import/"))
		w.must(err)
		if c := i.Counts; i.State != intake.Done || c.Created+c.Failed != i.Rows {
			t.Errorf("%s: %+v", name, i)
		}
		rows, made, failed = rows+i.Rows, made+i.Counts.Created, failed+i.Counts.Failed
		lines, err := w.site.Imports.FailedLines(t.Context(), w.org.ID, i.ID, 0, 500)
		w.must(err)
		for _, l := range lines {
			if len(l.Whys) == 0 {
				t.Errorf("%s, row %d: no reason", name, l.Row)
			}
			for _, why := range l.Whys {
				if why.Reason != string(importfile.NotAnEvent) {
					t.Logf("%s, row %d %s: %s %s %s", name, l.Row, l.Name, why.Reason, why.Field, why.Value)
				}
			}
		}
		if strings.Contains(b.get(path).body, general) {
			t.Errorf("%s: a row has no reason of its own", name)
		}
	}
	t.Logf("%d files, %d without anything to import; %d rows: %d made, %d not taken", len(files), refused, rows, made, failed)
	if made == 0 || made+failed != rows || w.count(someone, record.Contacts)+w.count(someone, record.Calendar) != made {
		t.Errorf("%d records of %d made", w.count(someone, record.Contacts)+w.count(someone, record.Calendar), made)
	}
}
