package importfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-ical"
)

// maxHead is what the name and the parameters of a line may come to: how long the library takes for a parameter grows with the square of
// its length.
const maxHead = 2 << 10

// brokenLine is the name under which a component keeps lines that are no properties.
const brokenLine = "?"

// readCalendar reads the components of a file, BEGIN:VCALENDAR after BEGIN:VCALENDAR. Where the library refuses the
// file, it is read line by line: what is no property is kept under brokenLine, what is not ended ends with the file.
func readCalendar(text string) []*ical.Component {
	lines := unfold(text)
	if !slices.ContainsFunc(lines, longHead) {
		if whole, err := readWhole(text); err == nil {
			return whole
		}
	}
	root := &ical.Component{Props: ical.Props{}}
	open := []*ical.Component{root}
	for _, line := range lines {
		now := open[len(open)-1]
		prop, err := readLine(line)
		switch {
		case err != nil:
			now.Props[brokenLine] = append(now.Props[brokenLine], ical.Prop{Name: brokenLine, Value: line})
		case prop.Name == "BEGIN":
			child := &ical.Component{Name: strings.ToUpper(strings.TrimSpace(prop.Value)), Props: ical.Props{}}
			now.Children = append(now.Children, child)
			open = append(open, child)
		case prop.Name == "END":
			for i := len(open) - 1; i > 0; i-- {
				if open[i].Name == strings.ToUpper(strings.TrimSpace(prop.Value)) {
					open = open[:i]
					break
				}
			}
		default:
			now.Props[prop.Name] = append(now.Props[prop.Name], prop)
		}
	}
	if len(root.Props) > 0 { // lines outside of every component
		root.Children = append(root.Children, &ical.Component{Name: "FILE", Props: root.Props})
	}
	return root.Children
}

// readWhole reads a file with the library, which panics on some broken lines.
func readWhole(text string) (all []*ical.Component, err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("importfile: %v", what)
		}
	}()
	in := ical.NewDecoder(strings.NewReader(text))
	for {
		calendar, err := in.Decode()
		if errors.Is(err, io.EOF) && len(all) > 0 {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, calendar.Component)
	}
}

// longHead reports whether a line is none that the library is given.
func longHead(line string) bool {
	head, _, ok := cutHead(line)
	return len(head) > maxHead || !ok && len(line) > maxHead
}

// readLine reads one content line with the library.
func readLine(line string) (ical.Prop, error) {
	if _, _, ok := cutHead(line); !ok || longHead(line) {
		return ical.Prop{}, errors.New("importfile: no property")
	}
	if name, _, ok := strings.Cut(line, ":"); ok && !strings.Contains(name, ";") {
		switch strings.ToUpper(strings.TrimSpace(name)) {
		case "BEGIN", "END":
			_, value, _ := strings.Cut(line, ":")
			return ical.Prop{Name: strings.ToUpper(strings.TrimSpace(name)), Value: value}, nil
		}
	}
	whole, err := readWhole("BEGIN:VCALENDAR\n" + line + "\nEND:VCALENDAR\n")
	if err != nil {
		return ical.Prop{}, err
	}
	for _, props := range whole[0].Props {
		return props[0], nil
	}
	return ical.Prop{}, errors.New("importfile: no property")
}

// textOf is a property's text without its backslashes.
func textOf(p ical.Prop) string { return unescape(p.Value) }
