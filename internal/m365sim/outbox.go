package m365sim

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An OutboxMail is a mail that the product under test sent by SMTP, as the demo's catcher hands it in.
type OutboxMail struct {
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text,omitempty"`
	HTML    string    `json:"html,omitempty"`
	Raw     string    `json:"raw,omitempty"`
	Time    time.Time `json:"time"`
}

type outbox struct {
	mu       sync.Mutex
	sent     []OutboxMail
	watchers map[chan struct{}]struct{}
}

// AddOutbox puts a mail where GET /sim/outbox and the page /outbox find it.
func (s *Sim) AddOutbox(m OutboxMail) {
	if m.Time.IsZero() {
		m.Time = s.now()
	}
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	s.outbox.sent = append(s.outbox.sent, m)
	s.outbox.changed()
}

// Outbox lists the mails that were handed in, oldest first.
func (s *Sim) Outbox() []OutboxMail {
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	return slices.Clone(s.outbox.sent)
}

// changed tells whoever looks. The caller holds mu.
func (o *outbox) changed() {
	for ch := range o.watchers {
		select {
		case ch <- struct{}{}:
		default: // it has a tick waiting already
		}
	}
}

func (o *outbox) empty() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = nil
	o.changed()
}

func (o *outbox) watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.watchers == nil {
		o.watchers = map[chan struct{}]struct{}{}
	}
	o.watchers[ch] = struct{}{}
	return ch, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.watchers, ch)
	}
}

// outboxRoutes registers the pages that show the letters.
func (s *Sim) outboxRoutes(outer *http.ServeMux) {
	outer.HandleFunc("GET /outbox", s.outboxPage)
	outer.HandleFunc("GET /outbox/{n}", s.outboxPage)
	outer.HandleFunc("GET /outbox/live", func(w http.ResponseWriter, r *http.Request) {
		s.stream(w, r, s.outbox.watch)
	})
}

type outboxPage struct {
	layout
	Letters []letterLine
	Open    *openLetter // the one whose text is shown; nil: there is none
	Live    string
}

type letterLine struct {
	Path, When, To, Subject string
	Open                    bool
}

type openLetter struct {
	When, From, To, Subject string
	Text                    []span
	HTML                    string
}

// A span is a piece of a letter's text; one with an address is a link.
type span struct{ Text, Address string }

// outboxPage lists the letters, the latest first, and shows one of them: the one that the path names, or the latest.
func (s *Sim) outboxPage(w http.ResponseWriter, r *http.Request) {
	letters := s.Outbox()
	chosen := len(letters)
	if word := r.PathValue("n"); word != "" {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > len(letters) {
			s.outlookProblem(w, r, nil, http.StatusNotFound, "There is no such letter. The outbox is emptied when the simulator starts.")
			return
		}
		chosen = n
	}
	view := outboxPage{layout: newLayout(r, "Outbox"), Live: "/outbox/live"}
	view.Section = "outbox"
	for i, m := range slices.Backward(letters) {
		n := i + 1
		view.Letters = append(view.Letters, letterLine{
			Path: "/outbox/" + itoa(n), When: view.Lang.moment(m.Time), To: strings.Join(m.To, ", "), Subject: m.Subject, Open: n == chosen,
		})
	}
	if chosen > 0 {
		m := letters[chosen-1]
		view.Open = &openLetter{
			When: view.Lang.moment(m.Time), From: m.From, To: strings.Join(m.To, ", "), Subject: m.Subject,
			Text: withLinks(cmp.Or(m.Text, m.Raw)), HTML: m.HTML,
		}
	}
	render(w, r, http.StatusOK, "outbox", view)
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

// withLinks finds the web addresses in a text. Punctuation that ends a sentence is not part of one.
func withLinks(text string) []span {
	var spans []span
	last := 0
	for _, at := range webAddress.FindAllStringIndex(text, -1) {
		address := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)'")
		if at[0] > last {
			spans = append(spans, span{Text: text[last:at[0]]})
		}
		spans = append(spans, span{Text: address, Address: address})
		last = at[0] + len(address)
	}
	if last < len(text) {
		spans = append(spans, span{Text: text[last:]})
	}
	return spans
}
