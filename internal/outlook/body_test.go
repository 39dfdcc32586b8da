package outlook

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/graph"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

const join = `<div style="width:100%"><span style="white-space:nowrap">________________________________________________________________________________</span></div>` +
	`<div class="me-email-text" lang="en-US"><div><span>Microsoft Teams meeting</span></div><a class="me-email-headline" ` +
	`href="https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%7d">Join the meeting now</a></div>` +
	`<div style="width:100%"><span>________________________________________________________________________________</span></div>`

func html2(content string) *graph.Body { return &graph.Body{ContentType: "html", Content: content} }

func TestFF97_BodyAsText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, html, text string }{
		{"nothing", "", ""},
		{"an empty page", "<html><head><title>x</title><style>p{}</style></head><body></body></html>", ""},
		{"words", "<html>\r\n<body>\r\n<p class=\"MsoNormal\">One &amp; two</p>\r\n<p>three</p>\r\n</body></html>", "One & two\nthree"},
		{"breaks", "a<br>b<br/><br />c", "a\nb\n\nc"},
		{"an empty line", "<div>a</div><div><br></div><div>b</div>", "a\n\nb"},
		{"white space", "<div>  a \n\t b&nbsp;&nbsp;c </div>", "a b  c"},
		{"nested", "<div><div><div>a</div></div><span>b</span></div>", "a\nb"},
		{"a list", "<ul><li>one</li><li>two</li></ul>", "- one\n- two"},
		{"a table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
		{"a link", `see <a href="https://contoso.example/x">the page</a>.`, "see the page (https://contoso.example/x)."},
		{"a bare link", `<a href="https://contoso.example/">https://contoso.example</a>`, "https://contoso.example"},
		{"an address", `<a href="mailto:ana@contoso.example">ana@contoso.example</a>`, "ana@contoso.example"},
		{"a script link", `<a href="javascript:alert(1)">click</a>`, "click"},
		{"a script", "a<script>document.write('<p>x</p>')</script>b", "ab"},
		{"a comment", "a<!-- <p>no</p> -->b", "ab"},
		{"preformatted", "<pre>a\n  b</pre>", "a\n b"},
		{"a join block", "<html><body><div>Agenda</div><br>" + join + "</body></html>", "Agenda"},
		{"unclosed", "<div>a<p>b<b>c", "a\nbc"},
	} {
		if got := bodyText(html2(c.html)); string(got) != c.text {
			t.Errorf("%s: %q, want %q", c.name, got, c.text)
		}
	}
	if got := bodyText(&graph.Body{ContentType: "text", Content: "a <b>\r\nc\r\n"}); got != "a <b>\nc" {
		t.Errorf("text: %q", got)
	}
}

// Always: what we write as HTML reads as the same text again, up to the normal form (I11).
func TestI11_TextToHTMLAndBack(t *testing.T) {
	t.Parallel()
	normal := func(v record.Value) record.Value {
		return mapping.Normal(record.Standard(record.Calendar), record.Fields{record.Description: v})[record.Description]
	}
	letters := rapid.RuneFrom([]rune("ab <>&\"'\n\t\u00a0\r_-é日\U0001F600;#/"))
	rapid.Check(t, func(t *rapid.T) {
		text := record.Value(rapid.StringOf(letters).Draw(t, "text"))
		back := textOf(htmlOf(text))
		if normal(back) != normal(text) {
			t.Fatalf("%q came back as %q, by %s", text, back, htmlOf(text))
		}
		if again := textOf(htmlOf(back)); again != back {
			t.Fatalf("%q came back as %q the second time", back, again)
		}
		wrapped := "<html>\r\n<head>\r\n<meta charset=utf-8></head>\r\n<body>\r\n" + htmlOf(text) + "\r\n</body>\r\n</html>\r\n"
		if got := textOf(wrapped); got != back {
			t.Fatalf("wrapped, %q reads %q", back, got)
		}
	})
}

// FIELD-FAILURES 98: if the text is what one reads in the HTML already, nothing is written.
func TestFF98_SameTextIsNotWritten(t *testing.T) {
	t.Parallel()
	rich := html2(`<html><body><h1>Agenda</h1><p style="color:red">One <b>bold</b> word</p></body></html>`)
	for range 10 {
		if _, needed := bodyFor(rich, record.Fields{"body": bodyText(rich)}, ""); needed {
			t.Fatal("the HTML would be replaced by its own text")
		}
	}
	if o, needed := bodyFor(rich, record.Fields{"body": "Agenda\nchanged"}, ""); !needed || !strings.Contains(string(o.JSON()), "changed") {
		t.Errorf("a changed text: %s, %v", o.JSON(), needed)
	}
	if o, needed := bodyFor(rich, record.Fields{"body": ""}, ""); !needed || !strings.Contains(string(o.JSON()), `"content":""`) {
		t.Errorf("a cleared text: %s, %v", o.JSON(), needed)
	}
}

// FIELD-FAILURES 96: the block through which people join stays, byte for byte.
func TestFF96_JoinBlockStays(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"by itself":      join,
		"behind text":    "<html><body><p>Agenda</p><br>" + join + "</body></html>",
		"between texts":  "<p>Agenda</p>" + join + "<p>signature</p>",
		"in a wrapper":   "<html><body><div class=x><div>Agenda</div>" + join + "</div></body></html>",
		"deep in a page": "<html><head><style>a{}</style></head><body>\r\n<div><div><div>Agenda</div>" + join + "</div></div>\r\n</body></html>",
	} {
		before := html2(content)
		if strings.Contains(string(bodyText(before)), "Join") || strings.Contains(string(bodyText(before)), "____") {
			t.Errorf("%s: the block is told as text: %q", name, bodyText(before))
		}
		o, needed := bodyFor(before, record.Fields{"body": "New agenda"}, "")
		after := string(o.JSON())
		if !needed || !strings.Contains(after, `\u003c`) && !strings.Contains(after, strings.ReplaceAll(join, `"`, `\"`)) {
			t.Errorf("%s: the block is gone: %s", name, after)
		}
	}
	if _, _, ok := joinBlock("<p>see teams.microsoft.com for more</p>"); ok {
		t.Error("a mention is taken for a block")
	}
}

func FuzzBody(f *testing.F) {
	f.Add("<div>a</div>")
	f.Add("<html><body>" + join + "</body>")
	f.Add("<a href='https://x'>y</a><pre>\n</pre><li><td>")
	f.Add("<body></body></div></div><div class=me-email-text>teams.")
	f.Fuzz(func(t *testing.T, content string) {
		text := bodyText(html2(content))
		if strings.ContainsAny(string(text), "\r\x00\u00a0") {
			t.Fatalf("%q reads %q: not the form of a value", content, text)
		}
		if from, to, ok := joinBlock(content); ok && (from < 0 || to < from || to > len(content)) {
			t.Fatalf("%q: block %d–%d", content, from, to)
		}
		_, _ = bodyFor(html2(content), record.Fields{"body": text}, "")
		if _, needed := bodyFor(html2(content), record.Fields{"body": text}, ""); needed && textOf(htmlOf(text)) == text {
			t.Fatalf("%q reads %q, and writing that would change it", content, text)
		}
	})
}
