// Package browse is a browser without script for tests and measurements: it keeps cookies, follows redirects and links,
// and fills in the forms of real pages.
package browse

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// Browser is one person's browser. Call New.
type Browser struct {
	client *http.Client
}

// Page is where the browser is.
type Page struct {
	URL    *url.URL
	Status int
	Text   string // of the body, blanks evened out
	root   *html.Node
}

// New makes a browser without cookies.
func New() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only for options, and there are none
	}
	return &Browser{client: &http.Client{Jar: jar, Timeout: time.Minute}}
}

// Cookies are those the browser would send to an address.
func (b *Browser) Cookies(address *url.URL) []*http.Cookie { return b.client.Jar.Cookies(address) }

// Get opens an address.
func (b *Browser) Get(ctx context.Context, address string) (*Page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return b.do(req)
}

func (b *Browser) do(req *http.Request) (*Page, error) {
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Language", "en")
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	root, err := html.Parse(resp.Body)
	if err != nil {
		return nil, err
	}
	page := &Page{URL: resp.Request.URL, Status: resp.StatusCode, root: root}
	page.Text = strings.Join(strings.Fields(textOf(root)), " ")
	return page, nil
}

// Follow opens the first link whose text contains the words.
func (b *Browser) Follow(ctx context.Context, p *Page, words string) (*Page, error) {
	for n := range p.root.Descendants() {
		if n.Data == "a" && strings.Contains(textOf(n), words) {
			to, err := p.URL.Parse(attr(n, "href"))
			if err != nil {
				return nil, err
			}
			return b.Get(ctx, to.String())
		}
	}
	return nil, fmt.Errorf("browse: no link %q on %s: %.300s", words, p.URL, p.Text)
}

// Submit sends the first form that has a button with the words, with what stands in its fields and the values given.
func (b *Browser) Submit(ctx context.Context, p *Page, button string, values map[string]string) (*Page, error) {
	for n := range p.root.Descendants() {
		if n.Data != "form" {
			continue
		}
		if pressed := buttonOf(p.root, n, button); pressed != nil {
			return b.send(ctx, p, n, pressed, values)
		}
	}
	return nil, fmt.Errorf("browse: no form with a button %q on %s: %.300s", button, p.URL, p.Text)
}

func (b *Browser) send(ctx context.Context, p *Page, form, button *html.Node, values map[string]string) (*Page, error) {
	fields := url.Values{}
	for n := range p.root.Descendants() {
		name := attr(n, "name")
		switch {
		case name == "" || n.Type != html.ElementNode || !belongs(n, form) || has(n, "disabled"):
		case n.Data == "input" && (attr(n, "type") == "checkbox" || attr(n, "type") == "radio"):
			if has(n, "checked") {
				fields.Add(name, attr(n, "value"))
			}
		case n.Data == "input" && attr(n, "type") != "submit":
			fields.Add(name, attr(n, "value"))
		case n.Data == "textarea":
			fields.Set(name, textOf(n))
		case n.Data == "select":
			fields.Set(name, chosen(n))
		}
	}
	if name := attr(button, "name"); name != "" {
		fields.Set(name, attr(button, "value"))
	}
	for name, value := range values {
		fields.Set(name, value)
	}
	action := attr(form, "action")
	if over := attr(button, "formaction"); over != "" {
		action = over
	}
	to, err := p.URL.Parse(action)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(attr(form, "method"), "post") {
		to.RawQuery = fields.Encode()
		return b.Get(ctx, to.String())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.URL.Scheme+"://"+p.URL.Host)
	return b.do(req)
}

// belongs reports whether a control is a form's: it stands in it, or names it.
func belongs(n, form *html.Node) bool {
	if of := attr(n, "form"); of != "" {
		return of == attr(form, "id")
	}
	for at := n.Parent; at != nil; at = at.Parent {
		if at == form {
			return true
		}
	}
	return false
}

func buttonOf(root, form *html.Node, words string) *html.Node {
	for n := range root.Descendants() {
		if !belongs(n, form) {
			continue
		}
		isButton := n.Data == "button" && attr(n, "type") != "button"
		if isButton && strings.Contains(textOf(n), words) || n.Data == "input" && attr(n, "type") == "submit" && strings.Contains(attr(n, "value"), words) {
			return n
		}
	}
	return nil
}

// chosen is the value of the option that is selected, else of the first.
func chosen(sel *html.Node) string {
	first, seen := "", false
	for n := range sel.Descendants() {
		if n.Data != "option" {
			continue
		}
		value := attr(n, "value")
		if !has(n, "value") {
			value = strings.TrimSpace(textOf(n))
		}
		if has(n, "selected") {
			return value
		}
		if !seen {
			first, seen = value, true
		}
	}
	return first
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (d.Parent == nil || d.Parent.Data != "script" && d.Parent.Data != "style") {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}
