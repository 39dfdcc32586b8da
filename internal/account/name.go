package account

import (
	"slices"
	"strings"
	"unicode"
)

// maxName is how many letters a person's given or family name, or the name of an organization, has at most.
const maxName = 100

// cleanName puts a name into one line of letters that show what they are. What turns the order of letters around, or cannot
// be seen at all, goes: names stand in letters, lists and headers among words of ours.
func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case unicode.IsControl(c), turnsAround(c), unseen(c):
			return -1
		}
		return c
	}, name)
	letters := []rune(strings.Join(strings.Fields(name), " "))
	if !slices.ContainsFunc(letters, func(c rune) bool { return unicode.IsPrint(c) && c != ' ' }) {
		return "" // nothing but joiners
	}
	return strings.TrimSpace(string(letters[:min(len(letters), maxName)]))
}

// unseen reports whether a character takes part in no script and shows nothing: blanks of no width, marks of direction, fillers.
func unseen(c rune) bool {
	return strings.ContainsRune("\u00AD\u061C\u115F\u1160\u180E\u200B\u200E\u200F\u2060\u2800\u3164\uFEFF\uFFA0", c)
}

// turnsAround reports whether a character changes the direction of what follows (Unicode UAX #9, explicit formatting). The
// joiners that some scripts and emoji need are none of these.
func turnsAround(c rune) bool {
	return c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069
}

// cleanWord is cleanName for what may have several lines.
func cleanWord(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c != '\n' && unicode.IsControl(c) || turnsAround(c) {
			return -1
		}
		return c
	}, text))
}
