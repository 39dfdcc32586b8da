package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"slices"

	"tandem/internal/fault"
)

// commonPasswords is a list of tens of thousands of common passwords and names, made by build.mjs out of packages.
const commonPasswords = "dist/common-passwords.txt.gz"

// Common reports whether one of the words is a common password. It reads through the list and keeps nothing of it: passwords
// are seldom chosen, and memory is there for other things. Unavailable: the front end, and the list with it, was not built.
func Common(words ...string) (yes bool, err error) {
	defer fault.Wrap(&err, "web: look among common passwords")
	packed, err := built.ReadFile(commonPasswords)
	if err != nil {
		return false, fault.New(fault.Unavailable, "", "the list was not built (make assets): %w", err)
	}
	list, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return false, err
	}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		if slices.Contains(words, lines.Text()) {
			return true, nil
		}
	}
	return false, lines.Err()
}
