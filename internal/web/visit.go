package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/zone"
)

// A visit is one request of one person: what every handler needs.
type visit struct {
	w     http.ResponseWriter
	r     *http.Request
	words *words
	user  account.User // zero: nobody is signed in
	org   account.Organization
	zone  *time.Location // the user's
	now   time.Time
	// contacts is what contacts of the organization consist of; nil where nobody is signed in: the standard fields.
	contacts *record.Schema
	// tastes are what the person wants pages to be like; nil where nobody is signed in, and in answers that are no page.
	tastes map[string]string
	// others: the visit is to somebody else's meeting, of which only the attendee's own is changed.
	others bool
}

// schema is what records of a kind consist of.
func (v *visit) schema(kind record.Kind) *record.Schema {
	if kind == record.Contacts && v.contacts != nil {
		return v.contacts
	}
	return record.Standard(kind)
}

// label is what people call a field of the CRM.
func (v *visit) label(kind record.Kind, name record.Field) string {
	if def, ok := v.schema(kind).Def(name); ok && def.Custom {
		return def.Label
	}
	return v.words.T("field." + string(name))
}

func (v *visit) ctx() context.Context { return v.r.Context() }

func (v *visit) signedIn() bool { return v.user.ID != 0 }

// may are the permissions of whoever is signed in.
func (v *visit) may() account.Permissions { return v.user.May }

// needs refuses whoever may not do something with the records of a kind.
func (v *visit) needs(kind record.Kind, what func(record.Access) bool) error {
	if !what(v.may().Records(kind)) {
		return fault.New(fault.Denied, fault.NotAllowed, "web: the profile %q does not allow this with %s", v.user.Profile, kind)
	}
	return nil
}

func viewing(a record.Access) bool  { return a.View != record.Nobodys }
func creating(a record.Access) bool { return a.Create }

// sees and creates report whether there is anything of a kind to see, and to make, for whoever is signed in.
func (v *visit) sees(kind record.Kind) bool    { return viewing(v.may().Records(kind)) }
func (v *visit) creates(kind record.Kind) bool { return creating(v.may().Records(kind)) }

// actor is the person as the CRM knows one.
func (v *visit) actor() crm.Actor {
	may := v.may()
	return crm.Actor{
		Author:     crm.Author{Org: v.user.Org, User: v.user.ID},
		Zone:       v.zone.String(),
		Contacts:   may.Contacts,
		Events:     may.Events,
		MassUpdate: may.MassUpdate,
	}
}

// id reads the {id} of the path. What cannot be one is treated as one that does not exist.
func (v *visit) id() (record.ID, error) {
	id, ok := record.ParseID(v.r.PathValue("id"))
	if !ok {
		return 0, fault.New(fault.NotFound, "", "web: no record has the id %q", v.r.PathValue("id"))
	}
	return id, nil
}

// wants reports whether script asks for one part of a page, by the id of the element that it goes into.
func (v *visit) wants(part string) bool {
	target := v.r.Header.Get("HX-Target") // tag#id
	_, id, _ := strings.Cut(target, "#")
	return v.r.Header.Get("HX-Request") == "true" && id == part
}

// navigates reports whether a browser asks for a page to show it whole. What an open page asks for by itself says so by htmx's
// header, or by Fetch Metadata's, which older browsers lack. A page whose fields are saved where they stand (inline.js) shows what
// it is answered, as if the browser had gone there.
func (v *visit) navigates() bool {
	return !v.scripted() && (v.r.Header.Get("Sec-Fetch-Dest") != "empty" || v.r.Header.Get("Tandem-Inline") == "save")
}

// scripted reports whether script asks, and not the browser for a whole page.
func (v *visit) scripted() bool { return v.r.Header.Get("HX-Request") == "true" }

// to sends the browser to another page of ours.
func (v *visit) to(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// maxForm bounds what a form may hold: the longest field is 32,000 letters.
const maxForm = 1 << 20

// form reads what was posted.
func (v *visit) form() (url.Values, error) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return nil, fault.New(fault.Invalid, "", "web: read the form: %w", err)
	}
	return v.r.PostForm, nil
}

// welcome finds out who comes and in which language to speak.
func (s *Site) welcome(w http.ResponseWriter, r *http.Request) (*visit, error) {
	v := &visit{w: w, r: r, zone: time.UTC, now: s.Now(), words: s.pages.negotiate(r, "")}
	u, ok, err := s.member(r.Context(), !v.scripted() && r.URL.Path != "/live")
	if err != nil || !ok {
		return v, err
	}
	org, err := s.Accounts.Organization(r.Context(), u.Org)
	if err != nil {
		return v, err
	}
	v.user, v.org = u, org
	v.words = s.pages.negotiate(r, u.Locale)
	for _, name := range []string{u.Zone, org.Zone} {
		if loc, ok := zone.Load(name); ok {
			v.zone = loc
			break
		}
	}
	return v, nil
}

// ownPath is the path that a sign-in may lead to afterwards: one of ours, never another site's.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(next, "\\\n\r\t") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// reference is a number under which an error can be found in the log.
func reference() string {
	return rand.Text()[:10]
}
