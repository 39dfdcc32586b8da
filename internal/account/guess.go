package account

import (
	"slices"
	"strings"
	"unicode"
)

const (
	// fewLetters is how many different letters a password has at least.
	fewLetters = 5
	// fewOfItsOwn is how many letters must be left of it without the words that belong to the person.
	fewOfItsOwn = 6
)

// guessed reports whether a password is among the first that somebody would try: a common one or a name, dressed up with
// digits and signs or not; few letters again and again; a run along the alphabet; words of the person's own.
func (r *Registry) guessed(password string, own []string) (bool, error) {
	lower := strings.ToLower(password)
	if different(lower) < fewLetters || repeats(lower) || runs(lower) || without(lower, own) < fewOfItsOwn {
		return true, nil
	}
	if r.Common == nil {
		return false, nil
	}
	return r.Common(lower, core(lower), undressed.Replace(core(lower)), core(undressed.Replace(lower)))
}

// undressed puts letters back in the places of the signs that stand for them.
var undressed = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// core is a word without what stands before and behind its letters.
func core(s string) string {
	return strings.TrimFunc(s, func(c rune) bool { return !unicode.IsLetter(c) })
}

// different counts the different letters.
func different(s string) int {
	letters := []rune(s)
	slices.Sort(letters)
	return len(slices.Compact(letters))
}

// repeats reports whether a text is one shorter text again and again.
func repeats(s string) bool {
	// A text that repeats is found in two of itself before the second one begins.
	return s != "" && strings.Contains((s + s)[1:2*len(s)-1], s)
}

// runs reports whether most letters are the next ones of those before, up or down: 1234567890, abcdefghij, 9876543210.
func runs(s string) bool {
	letters := []rune(s)
	next := 0
	for i := range letters[:max(0, len(letters)-1)] {
		if d := letters[i+1] - letters[i]; d == 1 || d == -1 {
			next++
		}
	}
	return next*4 >= (len(letters)-1)*3
}

// without counts the letters and digits that are left of a text without words of at least three letters.
func without(s string, own []string) (left int) {
	for _, text := range append(slices.Clone(own), "tandem") {
		for _, word := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
			if len([]rune(word)) >= 3 {
				s = strings.ReplaceAll(s, word, "")
			}
		}
	}
	for _, c := range s {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			left++
		}
	}
	return left
}
