package importfile

import (
	"strings"
	"testing"
)

func cardOf(lines ...string) *Entry {
	return Cards("BEGIN:VCARD\n" + strings.Join(lines, "\n") + "\nEND:VCARD\n")[0]
}

func TestCards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		lines []string
		keys  []string
		want  string
	}{
		{"a name in parts", []string{"VERSION:3.0", `N:Silva;Ana;Maria\, Clara;Dr.;Jr.`}, []string{"Salutation", "First_Name", "Last_Name", "Description"},
			"Dr. | Ana Maria, Clara | Silva | Name suffix: Jr."},
		{"a name as a whole", []string{"VERSION:3.0", "FN:Ana Silva"}, []string{"First_Name", "Last_Name"}, "<nil> | Ana Silva"},
		{"no name", []string{"VERSION:2.1", "EMAIL;PREF:ana@example.com"}, []string{"Last_Name", "Email"}, "ana@example.com | ana@example.com"},
		{"quoted-printable over lines", []string{"VERSION:2.1", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jo=C3=A3o=", "=20Pedro;;;;"}, []string{"Last_Name"}, "João Pedro"},
		{"an old charset", []string{"VERSION:2.1", "N;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:M=FCller;;;;"}, []string{"Last_Name"}, "Müller"},
		{"numbers of all kinds", []string{"VERSION:2.1", "FN:X", "TEL;WORK;VOICE:1", "TEL;HOME:2", "TEL;CELL:3", "TEL;WORK;FAX:4", "TEL;PAGER:5", "TEL:6", "TEL;HOME:7"},
			[]string{"Phone", "Home_Phone", "Mobile", "Fax", "Other_Phone", "Description"}, "1 | 2 | 3 | 4 | 6 | Telephone (pager): 5\nTelephone (home): 7"},
		{"a number as an address", []string{"VERSION:4.0", "FN:X", `TEL;VALUE=uri;TYPE="work,voice":tel:+1-418-555-0100;ext=102`}, []string{"Phone"}, "+1-418-555-0100 ext 102"},
		{"addresses", []string{"VERSION:3.0", "FN:X", "ADR;TYPE=HOME:;;Rua A\\, 5;Rio;RJ;20000;Brasil", "ADR;TYPE=WORK:PO 1;Floor 2;Rua B\\nBloco 3;SP;;;"},
			[]string{"Mailing_Street", "Mailing_City", "Other_Street", "Other_Country"}, "PO 1, Floor 2, Rua B, Bloco 3 | SP | Rua A, 5 | Brasil"},
		{"mail addresses", []string{"VERSION:3.0", "FN:X", "EMAIL:a@example.com", "EMAIL;TYPE=pref:b@example.com", "EMAIL;TYPE=HOME:c@example.com", "EMAIL:none"},
			[]string{"Email", "Secondary_Email", "Description"}, "b@example.com | a@example.com | E-mail (home): c@example.com\nE-mail: none"},
		{"the company", []string{"VERSION:3.0", "FN:X", `ORG:Padaria\; Filhos;Forno;Noite`}, []string{"Account_Name", "Department"}, "Padaria; Filhos | Forno"},
		{"birthdays", []string{"VERSION:4.0", "FN:X", "BDAY:19800322", "NOTE:Hi"}, []string{"Date_of_Birth", "Description"}, "1980-03-22 | Hi"},
		{"a birthday without a year", []string{"VERSION:4.0", "FN:X", "BDAY:--0203"}, []string{"Date_of_Birth", "Description"}, "1604-02-03 | <nil>"},
		{"a leap day without a year", []string{"VERSION:4.0", "FN:X", "BDAY:--02-29"}, []string{"Date_of_Birth"}, "1604-02-29"},
		{"a year that Apple leaves out", []string{"VERSION:3.0", "FN:X", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-07-04"}, []string{"Date_of_Birth"}, "1604-07-04"},
		{"another year that is left out", []string{"VERSION:3.0", "FN:X", "BDAY;VALUE=date;X-APPLE-OMIT-YEAR=1900:1900-07-04"}, []string{"Date_of_Birth"}, "1604-07-04"},
		{"a year that is not left out", []string{"VERSION:3.0", "FN:X", "BDAY;X-APPLE-OMIT-YEAR=1604:1990-07-04"}, []string{"Date_of_Birth"}, "1990-07-04"},
		{"a month alone", []string{"VERSION:4.0", "FN:X", "BDAY:--02"}, []string{"Date_of_Birth", "Description"}, "<nil> | Birthday: --02"},
		{"a day that no year has", []string{"VERSION:4.0", "FN:X", "BDAY:--0230"}, []string{"Date_of_Birth", "Description"}, "<nil> | Birthday: --0230"},
		{"a label of its own", []string{"VERSION:3.0", "FN:X", "item1.TEL:9", "item1.X-ABLabel:AssistantPhone", "item2.URL:http\\://e.example", "item2.X-ABLabel:_$!<HomePage>!$_"},
			[]string{"Asst_Phone", "Description"}, "9 | Web page (HomePage): http://e.example"},
		{"backslashes", []string{"VERSION:3.0", `FN:C:\\new`, `NOTE:one\ntwo\\n`}, []string{"Last_Name", "Description"}, `C:\new | one` + "\n" + `two\n`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := cardOf(c.lines...)
			if got := brief(e.Plans[0], c.keys...); got != c.want {
				t.Errorf("%v\n got %s\nwant %s\n%+v", c.lines, got, c.want, e.Items)
			}
		})
	}
}

func TestPicturesAreNamed(t *testing.T) {
	t.Parallel()
	e := cardOf("VERSION:2.1", "FN:X", "PHOTO;ENCODING=BASE64;JPEG:AAAA", "BBBB", "", "X-ODD:1", "nonsense")
	if got := reasonsOf(e); got != "? unreadable, FN no_name, PHOTO binary, X-ODD custom" {
		t.Errorf("reasons %s", got)
	}
}
