package mail

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
)

// Data is what a letter tells.
type Data struct {
	Kind         account.LetterKind
	Organization string
	To           string    // how its reader is greeted; "": without a name
	By           string    // who invited; other letters do not say who was behind them
	About        string    // who asks to join
	Address      string    // of whoever asks
	Link         string    // where the button leads; letters without one have none
	Until        time.Time // when the link ends, in the reader's zone
	At           time.Time // when it happened, in the reader's zone
	Word         string    // of a refusal, or the name of what was deleted; may be empty
}

// needs says what a letter of each kind cannot do without. The kinds are those of package account, all of them.
var needs = map[account.LetterKind]struct{ link, until, by bool }{
	account.LetterInvitation:      {link: true, until: true, by: true},
	account.LetterReset:           {link: true, until: true},
	account.LetterRequest:         {link: true},
	account.LetterApproved:        {link: true},
	account.LetterDeclined:        {},
	account.LetterPasswordChanged: {link: true},
	account.LetterAssociated:      {link: true},
	account.LetterContactsEnded:   {link: true},
	account.LetterCalendarEnded:   {link: true},
	account.LetterCredential:      {link: true, until: true},
	account.LetterCredentialEnded: {link: true},
}

// The words of the letters: for each language a file a kind, and frame.tmpl with what all of them share. Text and HTML are
// made of the same words, so that neither says more than the other.
//
//go:embed templates
var templates embed.FS

// The languages of letters; the first is for whoever speaks none of them.
const (
	english    = "en"
	portuguese = "pt-BR"
)

// template is what text/template and html/template have in common.
type template interface {
	ExecuteTemplate(w io.Writer, name string, data any) error
}

// form is one kind of letter in one language.
type form struct{ text, html template }

var forms = func() map[string]form {
	out := map[string]form{}
	for _, lang := range []string{english, portuguese} {
		for kind := range needs {
			files := []string{"templates/layout.tmpl", "templates/" + lang + "/frame.tmpl", "templates/" + lang + "/" + string(kind) + ".tmpl"}
			out[lang+string(kind)] = form{
				texttemplate.Must(texttemplate.ParseFS(templates, files...)),
				htmltemplate.Must(htmltemplate.ParseFS(templates, files...)),
			}
		}
	}
	return out
}()

// view is what templates see: a letter's data made harmless, and its parts as they are written.
type view struct {
	Lang, Organization, To, By, About, Address, Link, Until, At, Word string

	Subject, Greeting, Button, Copy, Footer part
	Lead, Rest                              []part
}

// part is a text, or HTML in which all that is strange has been escaped.
type part any

// Write puts a letter into words, in a language such as pt-BR or en. Names may hold anything: none can add a line to the
// header or an element to the HTML.
func Write(letter Data, lang string) (m Message, err error) {
	defer fault.Wrap(&err, "mail: write the letter %q", letter.Kind)
	need, known := needs[letter.Kind]
	switch {
	case !known:
		return m, fault.New(fault.Invalid, fault.BadValue, "there is no such letter")
	case need.link && letter.Link == "", need.until && letter.Until.IsZero(), need.by && letter.By == "":
		return m, fault.New(fault.Invalid, fault.Mandatory, "it lacks its link, its end or its sender")
	}
	lang = language(lang)
	v := view{
		Lang: lang, Organization: oneLine(letter.Organization, maxName), To: oneLine(letter.To, maxName), By: oneLine(letter.By, maxName),
		About: oneLine(letter.About, maxName), Address: oneLine(letter.Address, maxAddress), Link: letter.Link,
		Until: moment(letter.Until, lang), At: moment(letter.At, lang), Word: oneLine(letter.Word, account.MaxWord),
	}
	f := forms[lang+string(letter.Kind)]
	asIs := func(s string) part { return s }
	if m.Text, err = v.render(f.text, "text", asIs); err != nil {
		return m, err
	}
	m.Subject = oneLine(fmt.Sprint(v.Subject), maxSubject)
	m.HTML, err = v.render(f.html, "html", func(s string) part { return htmltemplate.HTML(s) }) //nolint:gosec // html/template has escaped it
	return m, err
}

const (
	maxAddress = 254 // RFC 5321
	maxSubject = 250
)

// render writes the parts of a letter and then the whole.
func (v *view) render(t template, layout string, as func(string) part) (string, error) {
	var failed error
	write := func(name string) string {
		var out bytes.Buffer
		if err := t.ExecuteTemplate(&out, name, v); err != nil {
			failed = err
		}
		return strings.TrimSpace(out.String())
	}
	paragraphs := func(name string) (all []part) {
		for p := range strings.SplitSeq(write(name), "\n\n") {
			if p = strings.TrimSpace(p); p != "" {
				all = append(all, as(p))
			}
		}
		return all
	}
	v.Subject, v.Greeting, v.Button = as(write("subject")), as(write("greeting")), as(write("button"))
	v.Copy, v.Footer = as(write("copy")), as(write("footer"))
	v.Lead, v.Rest = paragraphs("lead"), paragraphs("rest")
	whole := write(layout) + "\n"
	return whole, failed
}

// language is the one of ours that is nearest.
func language(tag string) string {
	if base, _, _ := strings.Cut(strings.ToLower(tag), "-"); base == "pt" {
		return portuguese
	}
	return english
}

var months = map[string][]string{
	english:    {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	portuguese: {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
}

var moments = map[string]string{
	english:    "%d %s %d, %s (%s)",
	portuguese: "%d de %s de %d, %s (%s)",
}

// moment is a time in words, with its zone: a letter may be read anywhere.
func moment(t time.Time, lang string) string {
	if t.IsZero() {
		return ""
	}
	zone := "UTC"
	if _, offset := t.Zone(); offset != 0 {
		zone += strings.Replace(t.Format("-07:00"), "-", "−", 1)
	}
	return fmt.Sprintf(moments[lang], t.Day(), months[lang][t.Month()-1], t.Year(), t.Format("15:04"), zone)
}
