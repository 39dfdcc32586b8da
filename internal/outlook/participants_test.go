package outlook

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/graph"
	"tandem/internal/record"
)

// rewritten is a body as Exchange gives it back: in a page of its own, with elements of its own.
func rewritten(content string) string {
	return "<html>\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head>\r\n<body>\r\n<div class=\"x\">" +
		strings.NewReplacer("<div>", "<div style=\"margin:0\">", "&#34;", "&quot;").Replace(content) + "</div>\r\n</body>\r\n</html>\r\n"
}

func contentOf(t interface{ Fatalf(string, ...any) }, o graph.Object, needed bool) string {
	if !needed {
		t.Fatalf("nothing would be written")
	}
	var b struct{ Content string }
	if err := json.Unmarshal([]byte(o.JSON()), &b); err != nil {
		t.Fatalf("%v", err)
	}
	return b.Content
}

// TestD4_ParticipantsAreABlockInTheBody: they read as lines, they are no part of the description, and a round trip that
// changed nothing writes nothing.
func TestD4_ParticipantsAreABlockInTheBody(t *testing.T) {
	t.Parallel()
	people := record.Value("Ana Silva <ana@contoso.example>\nJoão & Filhos \"Ltda\"")
	o, needed := bodyFor(&graph.Body{}, record.Fields{"body": "Agenda\n\n- one", "participants": people}, "Participantes")
	for _, content := range []string{contentOf(t, o, needed), rewritten(contentOf(t, o, needed))} {
		b := html2(content)
		if got := bodyText(b); got != "Agenda\n\n- one" {
			t.Errorf("text %q", got)
		}
		if got := bodyPeople(b); got != people {
			t.Errorf("participants %q", got)
		}
		if !strings.Contains(string(textOf(content)), "---- Tandem: Participantes ----\nAna Silva <ana@contoso.example>") {
			t.Errorf("people read %q", textOf(content))
		}
		for _, label := range []string{"Participantes", "Participants"} { // another language is no reason to write
			if again, needed := bodyFor(b, record.Fields{"body": "Agenda\n\n- one", "participants": people}, label); needed {
				t.Errorf("written without a change: %s", again.JSON())
			}
		}
	}
	if o, needed := bodyFor(&graph.Body{}, record.Fields{"body": "", "participants": ""}, ""); needed {
		t.Errorf("nobody and nothing is written as %s", o.JSON())
	}
}

// TestD4_OtherParticipantsLeaveTheRestByteForByte, the block through which people join included.
func TestD4_OtherParticipantsLeaveTheRestByteForByte(t *testing.T) {
	t.Parallel()
	rest := []string{"<html><body>\r\n<p style=\"color:red\">Agenda <b>bold</b></p>\r\n", "<!-- kept -->" + join + "\r\n</body></html>"}
	before := html2(strings.Join(rest, ""))
	for _, people := range []record.Value{"Ana <ana@contoso.example>", "Bia\nCaio <c@x.example>", ""} {
		o, needed := bodyFor(before, record.Fields{"participants": people}, "")
		after := contentOf(t, o, needed)
		if !strings.HasPrefix(after, rest[0]) || !strings.HasSuffix(after, join+"\r\n</body></html>") {
			t.Errorf("%q: the rest is changed: %s", people, after)
		}
		if got := bodyPeople(html2(after)); got != people {
			t.Errorf("participants %q, want %q", got, people)
		}
		if got := bodyText(html2(after)); got != "Agenda bold" {
			t.Errorf("text %q", got)
		}
		before = html2(after)
	}
	o, needed := bodyFor(html2(rewritten("<div>a</div>"+peopleHTML("Ana", "")+"<div>b</div>"+join)), record.Fields{"body": "new"}, "")
	after := html2(contentOf(t, o, needed))
	if bodyText(after) != "new" || bodyPeople(after) != "Ana" || !strings.Contains(after.Content, "meetup-join") {
		t.Errorf("another description became %q", after.Content)
	}
}

// TestD4_WhatPeopleDoToTheBlock: it is found in pieces, and what is typed around it belongs to the description.
func TestD4_WhatPeopleDoToTheBlock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, text, people string }{
		"typed into":       {"a\n---- Tandem: Participants ----\nAna\nand Bia\n---- Tandem ----", "a", "Ana\nand Bia"},
		"typed around":     {"a\n\n---- Tandem: Participants ----\nAna\n---- Tandem ----\nb", "a\nb", "Ana"},
		"without its end":  {"---- Tandem: Participants ----\nAna\nBia\n\nb\nc", "b\nc", "Ana\nBia"},
		"only its end":     {"a\n---- Tandem ----\nb", "a\nb", ""},
		"twice":            {"---- Tandem: P ----\nAna\n---- Tandem ----\n---- Tandem: P ----\nBia\n---- Tandem ----\nx", "x", "Ana\nBia"},
		"begun twice":      {"---- Tandem: P ----\nAna\n---- Tandem: P ----\nBia\n---- Tandem ----\nx", "x", "Ana\nBia"},
		"a quoted message": {"---- Original message ----\nFrom: x", "---- Original message ----\nFrom: x", ""},
	} {
		text, people := peopleApart(record.Value(c.body))
		if string(text) != c.text || string(people) != c.people {
			t.Errorf("%s: text %q, participants %q", name, text, people)
		}
	}
}

// Always: whatever text and participants are written, both are read again, and a second time nothing is written.
func TestD4_AnyTextWithAnyParticipants(t *testing.T) {
	t.Parallel()
	lines := rapid.SampledFrom([]string{"", "a", "  b", "---- Tandem ----", "---- Tandem: Participants ----", "---- x", "<b>", "Ana <ana@x.example>", "____________"})
	some := func(t *rapid.T, name string) record.Value {
		return record.Value(strings.Join(rapid.SliceOfN(lines, 0, 6).Draw(t, name), "\n"))
	}
	rapid.Check(t, func(t *rapid.T) {
		b := &graph.Body{}
		for range 3 {
			fields := record.Fields{}
			if rapid.Bool().Draw(t, "text") {
				fields["body"] = some(t, "body")
			}
			if rapid.Bool().Draw(t, "people") {
				fields["participants"] = some(t, "participants")
			}
			text, people := bodyText(b), bodyPeople(b)
			if o, needed := bodyFor(b, fields, "Participantes"); needed {
				b = html2(contentOf(t, o, needed))
				if rapid.Bool().Draw(t, "rewritten") {
					b = html2(rewritten(b.Content))
				}
			}
			if again, needed := bodyFor(b, fields, "Participants"); needed {
				t.Fatalf("%v is written twice, over %q: %s", fields, b.Content, again.JSON())
			}
			if _, said := fields["body"]; !said && bodyText(b) != text {
				t.Fatalf("the text %q has become %q with %v", text, bodyText(b), fields)
			}
			if _, said := fields["participants"]; !said && bodyPeople(b) != people {
				t.Fatalf("the participants %q have become %q with %v", people, bodyPeople(b), fields)
			}
		}
	})
}
