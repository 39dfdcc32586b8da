package m365sim

import (
	"html"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Bodies: what is sent as HTML comes back inside a wrapper, and text comes back as HTML unless it is asked for
// as text (fact sheet §3.2). What is stored is the inside, as {"contentType","content"}.

const (
	bodyHead = "<html>\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n</head>\r\n<body>\r\n"
	bodyTail = "\r\n</body>\r\n</html>\r\n"

	textHead = "<div class=\"PlainText\">"
	textTail = "</div>"
)

func takeBody(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if !v.IsObject() {
		return b, wrongType(name)
	}
	kind, content := "text", ""
	var err *graphError
	v.ForEach(func(key, value gjson.Result) bool {
		switch {
		case key.Str == "contentType" && strings.EqualFold(value.Str, "html"):
			kind = "html"
		case key.Str == "contentType" && (strings.EqualFold(value.Str, "text") || value.Type == gjson.Null):
		case key.Str == "content" && (value.Type == gjson.String || value.Type == gjson.Null):
			content = value.Str
		case strings.Contains(key.Str, "@"):
		default:
			err = wrongType(name + "/" + key.Str)
		}
		return err == nil
	})
	if err != nil {
		return b, err
	}
	if content == "" {
		return append(b, "null"...), nil
	}
	if kind == "html" {
		content = insideOf(content)
	}
	b = append(b, `{"contentType":"`...)
	b = append(b, kind...)
	b = append(b, `","content":`...)
	b = appendString(b, content)
	return append(b, '}'), nil
}

// insideOf takes the wrapper off, be it ours or a client's, and what no mail system would keep.
func insideOf(content string) string {
	content = cutElement(content, "script")
	lower := strings.ToLower(content)
	if at := strings.Index(lower, "<body"); at >= 0 {
		if end := strings.IndexByte(content[at:], '>'); end >= 0 {
			content, lower = content[at+end+1:], lower[at+end+1:]
		}
		if at := strings.LastIndex(lower, "</body"); at >= 0 {
			content = content[:at]
		}
	} else {
		content = cutElement(content, "head")
	}
	return strings.Trim(content, "\r\n")
}

// cutElement removes every element of a name with what is in it.
func cutElement(content, name string) string {
	for {
		lower := strings.ToLower(content)
		from := strings.Index(lower, "<"+name)
		if from < 0 {
			return content
		}
		to := strings.Index(lower[from:], "</"+name+">")
		if to < 0 {
			return content[:from]
		}
		content = content[:from] + content[from+to+len(name)+3:]
	}
}

func showBody(b []byte, it *item, v *view) []byte {
	kind, content := it.body()
	b = append(appendKey(b, "body"), `{"contentType":"`...)
	switch {
	case v.text:
		b = append(b, `text","content":`...)
		b = appendString(b, plainText(kind, content))
	case content == "":
		b = append(b, `html","content":""`...)
	default:
		if kind == "text" {
			content = textHead + strings.ReplaceAll(html.EscapeString(strings.ReplaceAll(content, "\r\n", "\n")), "\n", "<br>\r\n") + textTail
		}
		b = append(b, `html","content":`...)
		b = appendString(b, bodyHead+content+bodyTail)
	}
	return append(b, '}')
}

func (it *item) body() (kind, content string) {
	raw := it.props.get(eventBody)
	if raw == "" {
		return "html", ""
	}
	return gjson.Get(raw, "contentType").Str, gjson.Get(raw, "content").Str
}

func plainText(kind, content string) string {
	if kind == "text" || content == "" {
		return content
	}
	return htmlText(content)
}

// htmlText is the text of a piece of HTML: blocks and line breaks become lines.
func htmlText(content string) string {
	var b strings.Builder
	for content != "" {
		at := strings.IndexByte(content, '<')
		if at < 0 {
			b.WriteString(foldSpace(content))
			break
		}
		b.WriteString(foldSpace(content[:at]))
		end := strings.IndexByte(content[at:], '>')
		if end < 0 {
			break
		}
		tag := strings.ToLower(strings.Trim(content[at+1:at+end], "/ "))
		name, _, _ := strings.Cut(tag, " ")
		switch name {
		case "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "hr":
			if text := b.String(); name == "br" || text != "" && !strings.HasSuffix(text, "\n") {
				b.WriteString("\r\n")
			}
		}
		content = content[at+end+1:]
	}
	return strings.TrimSpace(html.UnescapeString(b.String()))
}

func foldSpace(text string) string {
	if strings.TrimSpace(text) == "" {
		if text == "" || strings.ContainsAny(text, "\r\n") {
			return ""
		}
		return " "
	}
	return lineSpace.Replace(text)
}

var lineSpace = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

// showPreview gives the first 255 characters of the text.
func showPreview(b []byte, it *item, _ *view) []byte {
	const most = 255
	text := plainText(it.body())
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most])
	}
	return appendTextMember(b, "bodyPreview", text)
}
