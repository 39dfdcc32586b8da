package web

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/importfile"
	"tandem/internal/intake"
	"tandem/internal/record"
)

// Imports bring files into the CRM. They are carried out in the background.
type Imports interface {
	// Receive keeps a file and looks at it. Invalid: it is refused, with a reason of importfile.
	Receive(ctx context.Context, org, user record.ID, kind record.Kind, name, zone string, daysFirst bool, file io.Reader, label func(record.Field) string) (intake.Import, error)
	Reread(ctx context.Context, i intake.Import, asked importfile.Options, header bool, daysFirst bool, label func(record.Field) string) (intake.Import, error)
	Choose(ctx context.Context, i intake.Import) error
	Preview(ctx context.Context, i intake.Import, actor crm.Actor, limit int) ([]intake.Seen, error)
	Begin(ctx context.Context, i intake.Import) error
	Stop(ctx context.Context, i intake.Import) error
	// TakeBack undoes an import that has ended. Conflict: it has not, or it is being undone.
	TakeBack(ctx context.Context, i intake.Import) error

	Import(ctx context.Context, org record.ID, id string) (intake.Import, error)
	ImportsOf(ctx context.Context, org, user record.ID, limit int) ([]intake.Import, error)
	// ImportsTo lists those from whose files a record came or was changed, the latest first.
	ImportsTo(ctx context.Context, org, id record.ID, limit int) ([]intake.Import, error)
	FailedLines(ctx context.Context, org record.ID, id string, after, limit int) ([]intake.Line, error)
	Drop(ctx context.Context, org record.ID, id string) error
}

const importPath = "/import"

func (s *Site) importRoutes() []route {
	return []route{
		{"GET /import", member, s.importList},
		{"POST /import", member, s.importReceive},
		{"GET /import/{id}", member, s.importShow},
		{"POST /import/{id}", member, s.importSave},
		{"GET /import/{id}/part", script, s.importPart},
		{"GET /import/{id}/failed.csv", member, s.importFailed},
		{"POST /import/{id}/stop", member, s.importStop},
		{"POST /import/{id}/undo", member, s.importUndo},
		{"POST /import/{id}/drop", member, s.importDrop},
	}
}

const (
	importsShown   = 50
	importsPreview = 10
	importsFailed  = 20
	// importsExport is how many failed rows an export reads at a time.
	importsExport = 500
)

// importListPage takes a file and lists those that were brought.
type importListPage struct {
	Frame   frame
	Kinds   []option
	Error   string // why the file was refused
	Imports []importRow
	MaxRows int
	MaxMB   int
}

type importRow struct {
	Path, File, Kind, When, Who, State string
	Counts                             intake.Counts
	Rows                               int
}

// imports reports whether a person may import records of a kind.
func (v *visit) imports(kind record.Kind) bool { return v.may().Import && v.creates(kind) }

func (v *visit) importsAny() bool { return v.imports(record.Contacts) || v.imports(record.Calendar) }

// needsImport refuses whoever may not import.
func (v *visit) needsImport() error {
	if !v.importsAny() {
		return fault.New(fault.Denied, fault.NotAllowed, "web: the profile %q does not allow imports", v.user.Profile)
	}
	return nil
}

func (s *Site) importList(v *visit) error { return s.importListWith(v, http.StatusOK, "") }

func (s *Site) importListWith(v *visit, status int, refused string) error {
	if err := v.needsImport(); err != nil {
		return err
	}
	page := importListPage{Error: refused, MaxRows: importfile.MaxRows, MaxMB: importfile.MaxBytes >> 20}
	chosen := v.r.URL.Query().Get("kind")
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		if v.imports(kind) {
			page.Kinds = append(page.Kinds, option{string(kind), v.words.T("kind." + string(kind)), string(kind) == chosen || chosen == "" && len(page.Kinds) == 0})
		}
	}
	user, everybodys := v.user.ID, v.may().ManageUsers
	if everybodys {
		user = 0
	}
	found, err := s.Imports.ImportsOf(v.ctx(), v.user.Org, user, importsShown)
	if err != nil {
		return err
	}
	var users []account.User
	if everybodys && len(found) > 0 {
		if users, err = s.Accounts.Users(v.ctx(), v.user.Org); err != nil {
			return err
		}
	}
	for _, i := range found {
		row := importRow{
			Path: importPath + "/" + url.PathEscape(i.ID), File: i.File, Kind: string(i.Kind), When: v.words.Ago(i.Begun, v.now, v.zone),
			State: string(i.State), Counts: i.Counts, Rows: i.Rows,
		}
		if i.User != v.user.ID {
			row.Who = ownerName(users, i.User)
		}
		page.Imports = append(page.Imports, row)
	}
	page.Frame = s.frame(v, "", v.words.T("import.title"))
	return s.render(v, status, "imports", page)
}

// importReceive takes an uploaded file: the form has kind, then file.
func (s *Site) importReceive(v *visit) error {
	if err := v.needsImport(); err != nil {
		return err
	}
	i, err := s.importFile(v)
	switch {
	case fault.Is(err, fault.Invalid):
		return s.importListWith(v, http.StatusUnprocessableEntity, v.fileWords(fault.ReasonOf(err)))
	case err != nil:
		return err
	}
	return v.to(importPath + "/" + url.PathEscape(i.ID))
}

func (s *Site) importFile(v *visit) (i intake.Import, err error) {
	const around = 64 << 10 // what the form has beside its file
	tooLong := fault.Wrong(importfile.FileTooLong, "file", "web: the file is longer than %d bytes", importfile.MaxBytes)
	if v.r.ContentLength > importfile.MaxBytes+around {
		return i, tooLong
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, importfile.MaxBytes+around)
	form, err := v.r.MultipartReader()
	if err != nil {
		return i, fault.Wrong(fault.Mandatory, "file", "web: no form with a file: %s", err)
	}
	kind := record.Contacts
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return i, fault.Wrong(fault.Mandatory, "file", "web: no file was chosen")
		}
		if err != nil {
			return i, v.cut(err, tooLong)
		}
		switch part.FormName() {
		case "kind":
			text, err := io.ReadAll(io.LimitReader(part, 64))
			if err != nil {
				return i, v.cut(err, tooLong)
			}
			if kind, err = kindOf(string(text)); err != nil {
				return i, err
			}
		case "file":
			if part.FileName() == "" {
				return i, fault.Wrong(fault.Mandatory, "file", "web: no file was chosen")
			}
			if !v.imports(kind) {
				return i, fault.New(fault.Denied, fault.NotAllowed, "web: the profile does not allow importing %s", kind)
			}
			i, err = s.Imports.Receive(v.ctx(), v.user.Org, v.user.ID, kind, part.FileName(), v.zone.String(), v.daysFirst(),
				&arriving{part, tooLong}, v.fieldLabel(kind))
			return i, err
		}
	}
}

// arriving is a file on its way; a body that is too long tells it as the file's fault.
type arriving struct {
	part    *multipart.Part
	tooLong error
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.part.Read(p)
	if limit := new(http.MaxBytesError); errors.As(err, &limit) {
		err = a.tooLong
	}
	return n, err
}

// cut is why a form did not arrive.
func (v *visit) cut(err, tooLong error) error {
	if limit := new(http.MaxBytesError); errors.As(err, &limit) {
		return tooLong
	}
	return fault.Wrong(fault.BadValue, "file", "web: the form cannot be read: %s", err)
}

// daysFirst is how people of the language mean 3/4/2026, where a file does not betray it.
func (v *visit) daysFirst() bool { return v.words.lang != "en" }

func (v *visit) fieldLabel(kind record.Kind) func(record.Field) string {
	return func(f record.Field) string { return v.label(kind, f) }
}

// theImport is the one of the path: one's own, or anybody's for whoever manages users.
func (s *Site) theImport(v *visit) (intake.Import, error) {
	if err := v.needsImport(); err != nil {
		return intake.Import{}, err
	}
	i, err := s.Imports.Import(v.ctx(), v.user.Org, v.r.PathValue("id"))
	if err == nil && (i.State == intake.Loading || i.User != v.user.ID && !v.may().ManageUsers) {
		err = fault.New(fault.NotFound, "", "web: no such import of user %d", v.user.ID)
	}
	return i, err
}

// ownImport is theImport where it is the person's own: nobody begins one in another's name.
func (s *Site) ownImport(v *visit) (intake.Import, error) {
	i, err := s.theImport(v)
	if err == nil && i.User != v.user.ID {
		err = fault.New(fault.Denied, fault.NotAllowed, "web: the import is user %d's", i.User)
	}
	return i, err
}

func (s *Site) importShow(v *visit) error {
	i, err := s.theImport(v)
	if err != nil {
		return err
	}
	if i.State == intake.Draft {
		if i.User != v.user.ID {
			return fault.New(fault.Denied, fault.NotAllowed, "web: the import is user %d's", i.User)
		}
		return s.importDraft(v, http.StatusOK, i, nil)
	}
	return s.importReport(v, i, false)
}

func (s *Site) importPart(v *visit) error {
	i, err := s.theImport(v)
	if err != nil {
		return err
	}
	return s.importReport(v, i, true)
}

func (s *Site) importStop(v *visit) error {
	return s.importDo(v, s.Imports.Stop)
}

func (s *Site) importUndo(v *visit) error {
	return s.importDo(v, s.Imports.TakeBack)
}

// importDo does something to an import and shows it as it then is; what is no longer so needs no words but its page.
func (s *Site) importDo(v *visit, do func(context.Context, intake.Import) error) error {
	i, err := s.ownImport(v)
	if err != nil {
		return err
	}
	if err := do(v.ctx(), i); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return v.to(importPath + "/" + url.PathEscape(i.ID))
}

func (s *Site) importDrop(v *visit) error {
	i, err := s.ownImport(v)
	if err != nil {
		return err
	}
	if err := s.Imports.Drop(v.ctx(), i.Org, i.ID); err != nil {
		return err
	}
	return v.to(importPath)
}

// fileReasons are the reasons for which a file is refused; fault.Mandatory: none was chosen.
var fileReasons = []fault.Reason{
	fault.Mandatory, importfile.FileEmpty, importfile.FileTooLong, importfile.FileRows, importfile.FileUnknown, importfile.FileBroken,
	importfile.FileUnpacked, importfile.FileRowLong, importfile.FileLocked, importfile.FileEncoding, importfile.FileColumns, fault.NotAllowed,
}

func (v *visit) fileWords(reason fault.Reason) string {
	key := "general"
	if slices.Contains(fileReasons, reason) {
		key = string(reason)
	}
	return v.words.T("import.file."+key, "Rows", v.words.Number(importfile.MaxRows), "MB", strconv.Itoa(importfile.MaxBytes>>20))
}
