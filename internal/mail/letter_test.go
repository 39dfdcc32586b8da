package mail_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mail"
)

var update = flag.Bool("update", false, "write the letters into testdata")

var kinds = []account.LetterKind{
	account.LetterInvitation, account.LetterReset, account.LetterRequest, account.LetterApproved,
	account.LetterDeclined, account.LetterPasswordChanged, account.LetterAssociated, account.LetterContactsEnded, account.LetterCalendarEnded,
	account.LetterCredential,
	account.LetterCredentialEnded,
}

func saoPaulo(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// full is a letter with everything that letters may tell.
func full(t *testing.T, kind account.LetterKind) mail.Data {
	d := mail.Data{
		Kind: kind, Organization: "Contoso & Filhos", To: "Adele", By: "Megan Bowen", About: "Diego Siciliani", Address: "diego@contoso.example",
		Link: "https://crm.contoso.example/somewhere?a=1&b=2", Until: time.Date(2026, 8, 5, 17, 30, 0, 0, time.UTC).In(saoPaulo(t)),
		At: time.Date(2026, 7, 29, 12, 0, 0, 0, time.UTC), Word: "Diego, use o CRM da filial.",
	}
	switch kind {
	case account.LetterDeclined:
		d.Link = ""
	case account.LetterContactsEnded, account.LetterCalendarEnded:
		d.Word = "Tandem (2)"
	}
	return d
}

func write(t *testing.T, d mail.Data, lang string) mail.Message {
	t.Helper()
	m, err := mail.Write(d, lang)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryLetterInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, lang := range []string{"pt-BR", "en"} {
			t.Run(string(kind)+"."+lang, func(t *testing.T) {
				t.Parallel()
				m := write(t, full(t, kind), lang)
				got := fmt.Sprintf("Subject: %s\n\n-- text --\n%s\n-- html --\n%s", m.Subject, m.Text, m.HTML)
				file := filepath.Join("testdata", string(kind)+"."+lang+".golden")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file) //nolint:gosec // a name from the table above
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("the letter is no longer as in %s:\n%s", file, got)
				}
			})
		}
	}
}

// What a letter loads from elsewhere tells that elsewhere who read it when; and the link must be there for both kinds of
// reader, whole.
func TestALetterLoadsNothingAndLeadsOnlyWhereItSays(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, lang := range []string{"pt-BR", "en"} {
			d := full(t, kind)
			m := write(t, d, lang)
			tree, err := html.Parse(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			links := 0
			for n := range tree.Descendants() {
				for _, a := range n.Attr {
					switch a.Key {
					case "href":
						if links++; a.Val != d.Link {
							t.Errorf("%s %s: the HTML leads to %q", kind, lang, a.Val)
						}
					case "src", "background", "srcset", "action", "onclick", "onload":
						t.Errorf("%s %s: the HTML has %s=%q", kind, lang, a.Key, a.Val)
					}
				}
				if n.Type == html.ElementNode && n.Data == "html" && (len(n.Attr) != 1 || n.Attr[0].Val != lang) {
					t.Errorf("%s %s: the HTML says it is in %v", kind, lang, n.Attr)
				}
			}
			if strings.Contains(m.HTML, "url(") || strings.Contains(m.HTML, "@import") {
				t.Errorf("%s %s: a style loads something", kind, lang)
			}
			if d.Link != "" && (links == 0 || !strings.Contains(m.Text, "\n"+d.Link+"\n")) {
				t.Errorf("%s %s: the link is missing, in text or HTML", kind, lang)
			}
		}
	}
}

func TestS8_TheInvitationNamesInviterOrganizationAndEnd(t *testing.T) {
	t.Parallel()
	for lang, until := range map[string]string{"pt-BR": "5 de agosto de 2026, 14:30 (UTC−03:00)", "en": "5 August 2026, 14:30 (UTC−03:00)"} {
		m := write(t, full(t, account.LetterInvitation), lang)
		for _, part := range []string{"Megan Bowen", until, "Contoso & Filhos"} {
			if !strings.Contains(m.Text, part) || !strings.Contains(html.UnescapeString(m.HTML), part) {
				t.Errorf("%s: the letter does not tell %q", lang, part)
			}
		}
		if !strings.Contains(m.Subject, "Megan Bowen") || !strings.Contains(m.Subject, "Contoso & Filhos") {
			t.Errorf("%s: the subject is %q", lang, m.Subject)
		}
	}
}

// Names come from directories and from people; whoever chooses one must not choose what a letter is.
func TestNamesCanHoldAnything(t *testing.T) {
	t.Parallel()
	nasty := []string{
		"Megan\r\nBcc: victim@example.com", "Megan\nX: y", "<script>alert(1)</script>", `"><a href="https://evil.example">`,
		"{{.Link}}", "a\x00b\x1b[2J", "\u202Egnp.exe", "x\n\n<h1>Win</h1>", "&lt;b&gt;", strings.Repeat("long ", 300), "ok \xff\xfe",
	}
	loud := regexp.MustCompile(`[\r\n\x00\x1b\x{202E}\x{FFFD}]`)
	for _, name := range nasty {
		for _, kind := range kinds {
			d := full(t, kind)
			clean := write(t, d, "en")
			d.Organization, d.To, d.By, d.About, d.Address, d.Word = name, name, name, name, name, name
			m := write(t, d, "en")
			if loud.MatchString(m.Subject) || len([]rune(m.Subject)) > 250 {
				t.Errorf("%s of %q: the subject is %q", kind, name, m.Subject)
			}
			if strings.Contains(m.Text, "\x1b") || strings.Contains(m.Text, "\u202E") {
				t.Errorf("%s of %q: the text has control characters", kind, name)
			}
			if got, want := elements(t, m.HTML), elements(t, clean.HTML); got != want {
				t.Errorf("%s of %q: the HTML has the elements\n%s instead of\n%s", kind, name, got, want)
			}
		}
	}
}

// elements lists what elements an HTML document has, in order.
func elements(t *testing.T, doc string) string {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for n := range tree.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n.Data)
		}
	}
	return strings.Join(all, " ")
}

func TestARefusalTellsTheWordIfThereIsOne(t *testing.T) {
	t.Parallel()
	d := full(t, account.LetterDeclined)
	if m := write(t, d, "pt-BR"); !strings.Contains(m.Text, "“"+d.Word+"”") || !strings.Contains(m.HTML, d.Word) {
		t.Errorf("the word is missing: %s", m.Text)
	}
	d.Word = " "
	if m := write(t, d, "pt-BR"); strings.Contains(m.Text, "“") || strings.Contains(m.HTML, "“") {
		t.Errorf("no word is quoted: %s", m.Text)
	}
}

func TestFF6_WhereNobodyToldTheDayTheLetterNamesNone(t *testing.T) {
	t.Parallel()
	for lang, subject := range map[string]string{"en": "Microsoft 365 no longer accepts Tandem", "pt-BR": "O Microsoft 365 não aceita mais o Tandem"} {
		d := full(t, account.LetterCredentialEnded)
		told := write(t, d, lang)
		d.Until = time.Time{}
		untold := write(t, d, lang)
		if untold.Subject != subject || told.Subject == subject {
			t.Errorf("the subjects are %q and %q", untold.Subject, told.Subject)
		}
		if !strings.Contains(told.Text, "2026") || strings.Contains(untold.Text, "2026") {
			t.Errorf("%s: with a day:\n%s\nwithout:\n%s", lang, told.Text, untold.Text)
		}
	}
}

func TestWhatALetterCannotDoWithout(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(*mail.Data){
		"no link":    func(d *mail.Data) { d.Link = "" },
		"no end":     func(d *mail.Data) { d.Until = time.Time{} },
		"no inviter": func(d *mail.Data) { d.By = "" },
		"no kind":    func(d *mail.Data) { d.Kind = "advertisement" },
	} {
		d := full(t, account.LetterInvitation)
		bend(&d)
		if m, err := mail.Write(d, "en"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestTheNearestLanguage(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{"pt-BR": "Nova senha para o Tandem", "pt": "Nova senha para o Tandem", "PT-pt": "Nova senha para o Tandem",
		"en": "A new password for Tandem", "en-US": "A new password for Tandem", "": "A new password for Tandem", "de": "A new password for Tandem"} {
		if m := write(t, full(t, account.LetterReset), tag); m.Subject != want {
			t.Errorf("%q: %q", tag, m.Subject)
		}
	}
}
