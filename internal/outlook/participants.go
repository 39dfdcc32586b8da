package outlook

import (
	"regexp"
	"strings"

	"tandem/internal/graph"
	"tandem/internal/record"
)

// The participants of an event stand in its body, as lines that people can read, and nowhere else: written as attendees
// they would get mail (DESIGN D4). The lines stand between two that say whose they are. Who takes part is said in the CRM:
// what people type between those lines is put back, what they type around them is theirs.

// peopleLabel is what the first line says where nobody has said otherwise.
const peopleLabel = "Participants"

// lastLine ends the participants; the first line has a word in the reader's language, which says nothing to us.
const lastLine = "---- Tandem ----"

var firstLine = regexp.MustCompile(`^-{4} Tandem: .{1,60} -{4}$`)

func isFirst(line string) bool { return firstLine.MatchString(strings.TrimSpace(line)) }
func isLast(line string) bool  { return strings.TrimSpace(line) == lastLine }

// peopleApart takes the participants out of the text that one reads in a body. Without their last line they end at the first
// empty one; a last line that stands alone is left out.
func peopleApart(text record.Value) (rest, people record.Value) {
	if !strings.Contains(string(text), "---- ") {
		return text, ""
	}
	var outside, inside []string
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		switch {
		case isFirst(lines[i]):
			end := ends(lines[i+1:])
			for _, line := range lines[i+1 : i+1+end] {
				if line = strings.TrimSpace(line); line != "" {
					inside = append(inside, line)
				}
			}
			i += end
			for len(outside) > 0 && outside[len(outside)-1] == "" {
				outside = outside[:len(outside)-1]
			}
		case isLast(lines[i]):
		default:
			outside = append(outside, lines[i])
		}
	}
	return record.Value(strings.Trim(strings.Join(outside, "\n"), "\n")), record.Value(strings.Join(inside, "\n"))
}

// ends is how many lines after the first one belong to the participants.
func ends(lines []string) int {
	blank := len(lines)
	for i, line := range lines {
		switch {
		case isLast(line):
			return i
		case isFirst(line):
			return min(i, blank)
		case strings.TrimSpace(line) == "" && blank == len(lines):
			blank = i
		}
	}
	return blank
}

// unmarked is text in which no line looks like one of ours.
func unmarked(text record.Value) record.Value {
	if !strings.Contains(string(text), "---- ") {
		return text
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if isFirst(line) || isLast(line) {
			lines[i] = strings.Replace(line, "----", "---", 1)
		}
	}
	return record.Value(strings.Join(lines, "\n"))
}

// peopleLines are the lines of participants; none if nobody takes part.
func peopleLines(people record.Value, label string) []string {
	lines := strings.FieldsFunc(tidy(unmarked(people)), func(r rune) bool { return r == '\n' })
	if len(lines) == 0 {
		return nil
	}
	if label == "" {
		label = peopleLabel
	}
	return append(append([]string{"---- Tandem: " + label + " ----"}, lines...), lastLine)
}

// peopleHTML are participants as they stand in a body.
func peopleHTML(people record.Value, label string) string {
	return htmlOf(record.Value(strings.Join(peopleLines(people, label), "\n")))
}

// peopleBlock finds the elements that are the participants in HTML: side by side, at whatever depth.
func peopleBlock(content string) (from, to int, ok bool) {
	at, end := bodyInside(content)
	for range maxNesting {
		children := childrenOf(content[at:end])
		first := -1
		var wrapper *child
		for i := range children {
			c := &children[i]
			said := string(textOf(content[at+c.from : at+c.to]))
			switch {
			case first < 0 && isFirst(said):
				first = i
			case first >= 0 && isLast(said):
				return at + children[first].from, at + c.to, true
			}
			if c.wraps && wrapper == nil && strings.Contains(said, lastLine) && strings.Contains(said, "---- Tandem: ") {
				wrapper = c
			}
		}
		if wrapper == nil || wrapper.ends <= wrapper.inside {
			return 0, 0, false
		}
		at, end = at+wrapper.inside, at+wrapper.ends
	}
	return 0, 0, false
}

// withPeople is HTML with other participants, and all else as it is. false: those that are there are not to be told apart
// from what is around them.
func withPeople(content string, has bool, people record.Value, label string) (string, bool) {
	block := peopleHTML(people, label)
	if from, to, ok := peopleBlock(content); ok {
		return content[:from] + block + content[to:], true
	}
	if has {
		return "", false
	}
	from, end := bodyInside(content)
	at := end
	if join, _, ok := joinBlock(content); ok {
		at = join
	}
	if textOf(content[from:at]) != "" {
		block = "<div><br></div>" + block
	}
	return content[:at] + block + content[at:], true
}

// bodyFor is what to send so that a body has the text and the participants that fields say; false: it has.
func bodyFor(before *graph.Body, fields record.Fields, label string) (o graph.Object, needed bool) {
	text, people := bodyText(before), bodyPeople(before)
	want, wantPeople := text, people
	_, aboutPeople := fields["participants"]
	if v, said := fields["body"]; said {
		want = unmarked(v)
	}
	if aboutPeople {
		_, wantPeople = peopleApart(record.Value(strings.Join(peopleLines(fields["participants"], ""), "\n")))
	}
	content := htmlOf(want)
	sameText := want == text || before.Content == "" && content == "" || before.Content != "" && text == textOf(content)
	switch {
	case sameText && people == wantPeople:
		return o, false
	case sameText && before.Content != "" && !strings.EqualFold(before.ContentType, "text"):
		if with, ok := withPeople(before.Content, people != "", wantPeople, label); ok {
			o.String("contentType", "html")
			o.String("content", with)
			return o, true
		}
	}
	if block := peopleHTML(wantPeople, label); block != "" {
		if content != "" {
			content += "<div><br></div>"
		}
		content += block
	}
	if from, to, ok := joinBlock(before.Content); ok && !strings.EqualFold(before.ContentType, "text") {
		content += before.Content[from:to]
	}
	o.String("contentType", "html")
	o.String("content", content)
	return o, true
}
