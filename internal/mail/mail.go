// Package mail writes Tandem's letters (invitations, requests to join, new passwords) and hands them to an SMTP server.
//
// Which letters are owed is account's to say, when they are sent jobs', and what became of them is stored by app: here
// is only what a letter says (letter.go, templates) and how it travels (server.go, post.go).
package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Message is a letter in words: what its reader gets to see, as text and as HTML.
type Message struct {
	Subject string
	Text    string
	HTML    string
}

// maxName is how many letters of a name a letter shows: room for long names, none for somebody's advertising.
const maxName = 80

// oneLine is a text of strange origin on one line, without control characters, so that it cannot add a line to a header
// or turn the direction of the words around it; cut after limit letters.
func oneLine(s string, limit int) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || isControl(r) })
	s = strings.Join(words, " ")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// isControl also holds for the marks that change the direction of writing, and for broken text.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}
