package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/importfile"
	"tandem/internal/record"
)

func TestDaysAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		order importfile.DayOrder
		want  string
	}{
		{"1990-12-31", "", "1990-12-31"}, {"31/12/1990", importfile.DayFirst, "1990-12-31"}, {"12/31/1990", importfile.MonthFirst, "1990-12-31"},
		{"3/4/2026", importfile.DayFirst, "2026-04-03"}, {"3/4/2026", importfile.MonthFirst, "2026-03-04"}, {"3.4.26", importfile.DayFirst, "2026-04-03"},
		{"1/2/36", importfile.DayFirst, "2036-02-01"}, {"1/2/37", importfile.DayFirst, "1937-02-01"}, {"19901231", "", "1990-12-31"},
		{"1990-12-31 00:00:00", "", "1990-12-31"}, {"1990-12-31T00:00:00Z", "", "1990-12-31"}, {"12/31/1990 12:00:00 AM", importfile.MonthFirst, "1990-12-31"},
		{"31/02/1990", importfile.DayFirst, ""}, {"31/12/1990", importfile.MonthFirst, ""}, {"1990-12-31 10:00", "", ""}, {"tomorrow", "", ""}, {"--12-31", "", "1604-12-31"}, {"--0229", "", "1604-02-29"}, {"--02-30", "", ""}, {"31/12", importfile.DayFirst, ""}, {"0000-01-01x", "", ""},
	} {
		day, ok := readDay(c.text, c.order)
		got := ""
		if ok {
			got = day.Format(time.DateOnly)
		}
		if got != c.want {
			t.Errorf("%q %q: %q, want %q", c.text, c.order, got, c.want)
		}
	}
}

func TestBirthdaysAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		order importfile.DayOrder
		want  string
	}{
		{"31/12/1990", importfile.DayFirst, "1990-12-31"}, {"31/12", importfile.DayFirst, "1604-12-31"}, {"12/31", importfile.MonthFirst, "1604-12-31"}, {" 29-2 ", importfile.DayFirst, "1604-02-29"},
		{"3.4.", importfile.DayFirst, "1604-04-03"}, {"--12-31", importfile.DayFirst, "1604-12-31"}, {"3.4", importfile.DayFirst, ""}, {"12/90", importfile.DayFirst, ""}, {"31/12", importfile.MonthFirst, ""}, {"12", "", ""},
	} {
		day, ok := readBirthday(c.text, c.order)
		got := ""
		if ok {
			got = day.Format(time.DateOnly)
		}
		if got != c.want {
			t.Errorf("%q %q: %q, want %q", c.text, c.order, got, c.want)
		}
	}
}

func TestClocksAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"9:30": "9:30:0", "09:30:15": "9:30:15", "9:30 AM": "9:30:0", "12:00:00 AM": "0:0:0", "12:15 p.m.": "12:15:0", "9 pm": "21:0:0", "9h30": "9:30:0", "21h": "21:0:0", "23.59": "23:59:0",
		"24:00": "", "13:00 PM": "", "0:30 am": "", "9:60": "", "9": "", "noon": "", "-1:00": "",
	} {
		h, m, s, ok := readClock(text)
		got := ""
		if ok {
			got = fmt.Sprintf("%d:%d:%d", h, m, s)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		comma bool
		want  string
	}{
		{"1,234.5", false, "1234.5"}, {"1.234,5", true, "1234.5"}, {"1234", true, "1234"}, {"1 234 567,8", true, "1234567.8"}, {"-12.50", false, "-12.5"}, {"0,5", true, "0.5"},
		{"0,5", false, ""}, {"1.2.3", false, ""}, {"12,34.5", false, ""}, {"1.2", true, ""}, {"x", false, ""}, {"", false, ""}, {"1,5", true, "1.5"},
	} {
		got, ok := readNumber(c.text, c.comma)
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%q %t: %q, want %q", c.text, c.comma, got, c.want)
		}
	}
}

func TestNamesAreTakenApart(t *testing.T) {
	t.Parallel()
	for full, want := range map[string]string{
		"Ana Souza": "Ana|Souza", "Ana Maria da Silva": "Ana Maria|da Silva", "Silva, Ana": "Ana|Silva", "Ludwig van der Rohe": "Ludwig|van der Rohe", "Cher": "|Cher", "da Silva": "da|Silva",
		"Acme, Inc, Ltd": "Acme, Inc,|Ltd", "  Ana   Souza ": "Ana|Souza", "": "|", "王小明": "|王小明",
	} {
		if given, family := splitName(full); given+"|"+family != want {
			t.Errorf("%q: %q, %q", full, given, family)
		}
	}
}

// The headers of Outlook, Google and Zoho, in English and Portuguese, and of people.
func TestColumnsAreGuessed(t *testing.T) {
	t.Parallel()
	own := record.Standard(record.Contacts).With(record.Def{Name: "Shoe", Label: "Número do sapato", Type: record.Number})
	for _, c := range []struct {
		kind       record.Kind
		head, want string
	}{
		{record.Contacts, "Title,First Name,Middle Name,Last Name,Company,Department,Job Title,Business Street,Business City,Business Postal Code,Business Fax,Business Phone,Mobile Phone,Birthday,Categories,E-mail Address,E-mail 2 Address,Notes",
			"Salutation First_Name - Last_Name Account_Name Department Title Mailing_Street Mailing_City Mailing_Zip Fax Phone Mobile Date_of_Birth Tag Email Secondary_Email Description"},
		{record.Contacts, "Nome,Sobrenome,Empresa,Cargo,Endereço de email,Telefone comercial,Telefone celular,Aniversário,CEP,Número do sapato",
			"First_Name Last_Name Account_Name Title Email Phone Mobile Date_of_Birth Mailing_Zip Shoe"},
		{record.Contacts, "Nome,E-mail,Telefone,WhatsApp,Cidade,UF", "-name Email Phone Mobile Mailing_City Mailing_State"},
		{record.Contacts, "First Name,Last Name,Organization Name,Organization Title,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Label=Mobile,Phone 1 - Value,Phone 2 - Label=Work,Phone 2 - Value,Address 1 - Street,Labels",
			"First_Name Last_Name Account_Name Title - Email Secondary_Email - Mobile - Phone Mailing_Street Tag"},
		{record.Contacts, "Salutation,First Name,Last Name,Account Name,Email,Secondary Email,Mailing Street,Other City,Lead Source,Email Opt Out",
			"Salutation First_Name Last_Name Account_Name Email Secondary_Email Mailing_Street Other_City Lead_Source Email_Opt_Out"},
		{record.Contacts, "email,E-MAIL,e-mail", "Email Secondary_Email -"},
		{record.Contacts, "=Ana Souza,=ana@x.example,=+55 11 91234-5678,=b@x.example", "-name Email Phone Secondary_Email"},
		{record.Calendar, "Subject,Start Date,Start Time,End Date,End Time,All day event,Location,Description,Show time as,Private,Required Attendees",
			"Event_Title Start_DateTime -start End_DateTime -end All_day Venue Description Show_As Sensitivity -notes"},
		{record.Calendar, "Assunto,Data de início,Hora de início,Data de término,Hora de término,O dia inteiro,Local,Prioridade,Categorias,UID",
			"Event_Title Start_DateTime -start End_DateTime -end All_day Venue Importance Tag -uid"},
	} {
		schema := record.Standard(c.kind)
		if c.kind == record.Contacts {
			schema = own
		}
		var columns []importfile.Column
		for name := range strings.SplitSeq(c.head, ",") {
			name, sample, _ := strings.Cut(name, "=")
			columns = append(columns, importfile.Column{Name: name, Sample: sample})
		}
		var got []string
		guessed := Guess(columns, schema, nil, nil)
		for _, g := range guessed {
			got = append(got, string(g.Target))
			if g.Target == Nothing {
				got[len(got)-1] = "-"
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.head, text, c.want)
		}
		if err := Check(schema, Settings{Options: importfile.Options{Format: importfile.CSV}, Columns: guessed, Duplicates: Skip}); err != nil {
			t.Errorf("%s: the guess is refused: %v", c.head, err)
		}
	}
	// What was chosen before counts first, be it that the column is left out.
	got := Guess([]importfile.Column{{Name: "Cidade"}, {Name: "Obs"}, {Name: "E-mail"}}, own,
		map[string]Target{"cidade": Target(record.OtherCity), "obs": Nothing, "e mail": "Gone_Field"}, nil)
	if got[0].Target != "Other_City" || got[1].Target != Nothing || got[2].Target != "Email" {
		t.Errorf("remembered: %+v", got)
	}
}

// The nine types of custom fields, and those of the standard ones, take what files have.
func TestValuesOfAllTypes(t *testing.T) {
	t.Parallel()
	defs := []record.Def{
		{Name: "T", Type: record.Text}, {Name: "L", Type: record.LongText}, {Name: "N", Type: record.Number}, {Name: "D", Type: record.Date},
		{Name: "P", Type: record.Picklist, Values: []string{"Médio", "Alto"}}, {Name: "B", Type: record.Bool}, {Name: "F", Type: record.Phone}, {Name: "E", Type: record.Email}, {Name: "U", Type: record.URL},
	}
	c := &converter{record.Standard(record.Contacts).With(defs...), Settings{Days: importfile.DayFirst, Comma: true}}
	cells := []string{" a ", "a\nb", "1.234,5", "1/2/2020", "medio", "Sim", "11 9", "a@x.example", "http://x.example", "Silva, Ana", "Dra.", "a; b,c"}
	for n := range cells {
		target := Target("")
		if n < len(defs) {
			target = Target(defs[n].Name)
		}
		c.settings.Columns = append(c.settings.Columns, Column{Target: target})
	}
	c.settings.Columns[9].Target, c.settings.Columns[10].Target, c.settings.Columns[11].Target = FullName, "Salutation", "Tag"
	got := c.row(importfile.Row{Cells: cells})
	want := record.Fields{"T": "a", "L": "a\nb", "N": "1234.5", "D": "2020-02-01", "P": "Médio", "B": "true", "F": "11 9", "E": "a@x.example", "U": "http://x.example",
		"Last_Name": "Silva", "First_Name": "Ana", "Salutation": "Dr.", "Tag": "a\nb\nc"}
	for name, v := range want {
		if got.fields[name] != v {
			t.Errorf("%s: %q, want %q", name, got.fields[name], v)
		}
	}
	if len(got.whys) > 0 || len(got.fields) != len(want) {
		t.Errorf("%+v", got)
	}
	bad := c.row(importfile.Row{Cells: []string{"", "", "x", "x", "", "perhaps"}})
	if len(bad.whys) != 3 {
		t.Errorf("%+v", bad.whys)
	}
}

// Whatever stands in a row, it is told without a fault of ours.
func TestAnyRowIsRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []record.Kind{record.Contacts, record.Calendar} {
		schema := record.Standard(kind)
		targets := Targets(schema)
		rapid.Check(t, func(t *rapid.T) {
			c := &converter{schema, Settings{Days: rapid.SampledFrom([]importfile.DayOrder{"dmy", "mdy", ""}).Draw(t, "days"), Options: importfile.Options{Zone: "America/Sao_Paulo"}}}
			var cells []string
			for _, target := range targets {
				c.settings.Columns = append(c.settings.Columns, Column{Name: "x", Target: target})
				cells = append(cells, rapid.OneOf(rapid.String(), rapid.StringMatching(`\d{1,4}[/-]\d{1,2}[/-]\d{1,4}( \d{1,2}:\d{2})?`)).Draw(t, "cell"))
			}
			got := c.row(importfile.Row{Cells: cells[:rapid.IntRange(0, len(cells)).Draw(t, "cells")]})
			for name := range got.fields {
				if _, ok := schema.Def(name); !ok {
					t.Fatalf("there is no field %q", name)
				}
			}
		})
	}
}
