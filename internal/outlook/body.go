package outlook

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"tandem/internal/graph"
	"tandem/internal/record"
)

// The body of an event is HTML at Microsoft and text here. Exchange rewrites HTML, so bodies are never compared; what is
// compared is the text that one reads in them (FIELD-FAILURES 97, 98). A body is only written when that text is to
// change, and the block through which people join an online meeting stays in it byte for byte (FIELD-FAILURES 96).

// bodyText is the text that one reads in a body, without the join block and the participants.
func bodyText(b *graph.Body) record.Value {
	text, _ := peopleApart(readText(b))
	return text
}

// bodyPeople are the participants that stand in a body, a line each.
func bodyPeople(b *graph.Body) record.Value {
	_, people := peopleApart(readText(b))
	return people
}

// readText is what one reads in a body, without the join block.
func readText(b *graph.Body) record.Value {
	if strings.EqualFold(b.ContentType, "text") {
		return record.Value(strings.Trim(string(plain(b.Content)), "\n"))
	}
	content := b.Content
	if from, to, ok := joinBlock(content); ok {
		content = content[:from] + "<br>" + content[to:]
	}
	return textOf(content)
}

// htmlOf writes text as HTML: a division a line. Blanks that HTML would swallow are written as such that it keeps.
func htmlOf(text record.Value) string {
	s := strings.Trim(tidy(text), "\n")
	if s == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/4 + 16)
	for line := range strings.SplitSeq(s, "\n") {
		b.WriteString("<div>")
		if line == "" {
			b.WriteString("<br>")
		}
		blank := true // a blank here would be swallowed
		for i, r := range line {
			switch r {
			case ' ', '\u00a0':
				if blank || i+len(string(r)) == len(line) {
					b.WriteString("&nbsp;")
				} else {
					b.WriteByte(' ')
				}
				blank = true
				continue
			case '\t':
				b.WriteString("&nbsp;&nbsp;&nbsp;&nbsp;")
				blank = true
				continue
			case '&':
				b.WriteString("&amp;")
			case '<':
				b.WriteString("&lt;")
			case '>':
				b.WriteString("&gt;")
			case '"':
				b.WriteString("&#34;")
			default:
				b.WriteRune(r)
			}
			blank = false
		}
		b.WriteString("</div>")
	}
	return b.String()
}

// unread are elements whose content nobody sees.
var unread = map[atom.Atom]bool{
	atom.Head: true, atom.Title: true, atom.Style: true, atom.Script: true, atom.Template: true, atom.Noscript: true,
	atom.Iframe: true, atom.Object: true, atom.Svg: true, atom.Select: true, atom.Textarea: true,
}

// blocks are elements that stand on lines of their own.
var blocks = map[atom.Atom]bool{
	atom.P: true, atom.Div: true, atom.Ul: true, atom.Ol: true, atom.Li: true, atom.Table: true, atom.Tr: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Blockquote: true,
	atom.Pre: true, atom.Hr: true, atom.Section: true, atom.Article: true, atom.Header: true, atom.Footer: true,
	atom.Address: true, atom.Dl: true, atom.Dt: true, atom.Dd: true, atom.Center: true, atom.Body: true, atom.Html: true,
}

// void are elements without an end.
var void = map[atom.Atom]bool{
	atom.Br: true, atom.Hr: true, atom.Img: true, atom.Input: true, atom.Meta: true, atom.Link: true, atom.Area: true,
	atom.Base: true, atom.Col: true, atom.Embed: true, atom.Source: true, atom.Track: true, atom.Wbr: true,
}

// maxHTML bounds how much of a body is read; Graph takes no request above 4 MB.
const maxHTML = 4 << 20

// textOf is the text that one reads in HTML: blocks and breaks become lines, links show where they lead.
func textOf(content string) record.Value {
	if content == "" { // as most are: a tokenizer is 4 KiB
		return ""
	}
	if len(content) > maxHTML {
		content = content[:maxHTML]
	}
	w := reader{}
	z := html.NewTokenizer(strings.NewReader(content))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return w.text()
		case html.TextToken:
			if w.hidden == 0 {
				w.write(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			w.open(atom.Lookup(name), z, more)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
	}
}

// A reader gathers text line by line.
type reader struct {
	lines  []string
	line   strings.Builder
	blank  bool // a blank is due before the next word
	pre    int
	hidden int // inside so many unread elements
	hide   atom.Atom
	link   string // where the link that is open leads
	from   int    // where its text begins in line
}

func (w *reader) open(tag atom.Atom, z *html.Tokenizer, attributes bool) {
	if w.hidden > 0 {
		if tag == w.hide {
			w.hidden++
		}
		return
	}
	switch {
	case unread[tag]:
		w.hidden, w.hide = 1, tag
	case tag == atom.Br:
		w.end()
	case blocks[tag]:
		w.block()
		if tag == atom.Li {
			w.write("- ")
		}
		if tag == atom.Pre {
			w.pre++
		}
	case tag == atom.Td || tag == atom.Th:
		w.blank = w.line.Len() > 0
	case tag == atom.A:
		for attributes {
			var key, value []byte
			key, value, attributes = z.TagAttr()
			if string(key) == "href" {
				w.link, w.from = string(value), w.line.Len()
			}
		}
	}
}

func (w *reader) close(tag atom.Atom) {
	if w.hidden > 0 {
		if tag == w.hide {
			w.hidden--
		}
		return
	}
	switch {
	case tag == atom.A:
		w.leave()
	case blocks[tag]:
		w.block()
		if tag == atom.Pre && w.pre > 0 {
			w.pre--
		}
	}
}

// leave ends a link: where it leads is told unless its text says so.
func (w *reader) leave() {
	to := w.link
	w.link = ""
	address, mail := strings.CutPrefix(to, "mailto:")
	if !mail && !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") || w.from > w.line.Len() {
		return
	}
	said := strings.TrimSpace(w.line.String()[w.from:])
	bare := func(s string) string {
		_, after, ok := strings.Cut(s, "://")
		if !ok {
			after = s
		}
		return strings.TrimRight(after, "/")
	}
	if said == "" || strings.EqualFold(bare(said), bare(address)) {
		return
	}
	w.write(" (" + address + ")")
}

func (w *reader) write(s string) {
	for _, r := range s {
		switch r {
		case '\n':
			if w.pre > 0 {
				w.end()
				continue
			}
			w.blank = w.blank || w.line.Len() > 0
		case ' ', '\t', '\r', '\f':
			w.blank = w.blank || w.line.Len() > 0 || w.pre > 0
		default:
			if w.blank {
				w.line.WriteByte(' ')
				w.blank = false
			}
			if r == '\u00a0' {
				r = ' '
			}
			if r >= ' ' {
				w.line.WriteRune(r)
			}
		}
	}
}

// block begins a new line unless one has just begun.
func (w *reader) block() {
	if w.line.Len() > 0 {
		w.end()
	}
	w.blank = false
}

// end ends the line.
func (w *reader) end() {
	w.lines = append(w.lines, strings.TrimRight(w.line.String(), " "))
	w.line.Reset()
	w.blank = false
	w.from = 0
}

func (w *reader) text() record.Value {
	w.block()
	return record.Value(strings.Trim(strings.Join(w.lines, "\n"), "\n"))
}

// joinBlock finds the block of an online meeting in a body: the elements that carry the link to join, with the lines of
// underscores around them.
func joinBlock(content string) (from, to int, ok bool) {
	if !strings.Contains(content, "teams.") && !strings.Contains(content, "me-email") {
		return 0, 0, false
	}
	at, end := bodyInside(content)
	for range maxNesting {
		children := childrenOf(content[at:end])
		first, last, elements := -1, -1, 0
		for i, c := range children {
			if c.element {
				elements++
			}
			if c.join {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		if first < 0 {
			return 0, 0, false
		}
		if elements == 1 && children[first].inside > 0 && children[first].wraps {
			at, end = at+children[first].inside, at+children[first].ends // a wrapper around everything: look into it
			continue
		}
		if rule := neighbour(children, first, -1); rule >= 0 {
			first = rule
		}
		if rule := neighbour(children, last, +1); rule >= 0 {
			last = rule
		}
		return at + children[first].from, at + children[last].to, true
	}
	return 0, 0, false
}

// maxNesting bounds how many wrappers are looked into.
const maxNesting = 16

// bodyInside finds what is within <body>, or everything.
func bodyInside(content string) (from, to int) {
	if !strings.Contains(content, "<") {
		return 0, len(content)
	}
	z := html.NewTokenizer(strings.NewReader(content))
	at, to := 0, len(content)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return from, to
		}
		at += len(z.Raw())
		if kind == html.StartTagToken || kind == html.EndTagToken {
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Body {
				if kind == html.StartTagToken {
					from = at
				} else {
					return from, at - len(z.Raw())
				}
			}
		}
	}
}

// A child is one element (or run of text) of a piece of HTML, by its place in the text.
type child struct {
	from, to     int
	inside, ends int // what is within its tags
	element      bool
	wraps        bool // it may hold other blocks
	join         bool // carries the link to join
	rule         bool // nothing but a line of underscores
}

func childrenOf(content string) []child {
	var all []child
	z := html.NewTokenizer(strings.NewReader(content))
	var at, depth int
	var text strings.Builder
	var now child
	finish := func(to int) {
		said := strings.TrimSpace(text.String())
		now.to = to
		now.rule = len(said) >= 10 && strings.Trim(said, "_") == ""
		if now.element || said != "" {
			all = append(all, now)
		}
		text.Reset()
		now = child{from: to, ends: to}
	}
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			finish(len(content))
			return all
		}
		begins := at
		at += len(z.Raw())
		switch kind {
		case html.TextToken:
			text.Write(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			if depth == 0 {
				finish(begins)
				now = child{from: begins, inside: at, ends: at, element: tag != atom.Br, wraps: tag == atom.Div || tag == atom.Span || tag == atom.Center}
			}
			now.join = now.join || joins(z, more)
			if kind == html.StartTagToken && !void[tag] {
				depth++
			}
			if depth == 0 {
				finish(at)
			}
		case html.EndTagToken:
			if depth > 0 {
				if depth--; depth == 0 {
					now.ends = begins
					finish(at)
				}
			}
		}
	}
}

// joins reports whether a tag belongs to the block of an online meeting.
func joins(z *html.Tokenizer, more bool) bool {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "href":
			to := strings.ToLower(string(value))
			if strings.Contains(to, "teams.microsoft.com/l/meetup-join") || strings.Contains(to, "teams.microsoft.com/meet/") ||
				strings.Contains(to, "teams.live.com/meet/") {
				return true
			}
		case "class":
			if strings.Contains(string(value), "me-email-text") {
				return true
			}
		}
	}
	return false
}

// neighbour finds the line of underscores next to a block, with nothing but breaks between.
func neighbour(children []child, i, step int) int {
	for i += step; i >= 0 && i < len(children); i += step {
		switch {
		case children[i].rule:
			return i
		case children[i].element:
			return -1
		}
	}
	return -1
}
