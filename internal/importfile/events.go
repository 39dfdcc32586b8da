package importfile

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-ical"
)

// component is one component of a calendar, as text.
type component struct {
	name, text string
}

// components gives those that stand directly in a calendar, one by one. An event that was not ended ends where the next begins, or its
// calendar ends.
type components struct {
	in    *lines
	held  []byte // the line that began the next one
	ended bool
	ours  bool // a calendar says that it is one of our own
}

func (c *components) next() (component, error) {
	var now piece
	var open []string
	for !c.ended {
		line := c.held
		if c.held = nil; line == nil {
			var err error
			line, err = c.in.next()
			if errors.Is(err, io.EOF) {
				c.ended = true
				break
			}
			if err != nil {
				return component{}, err
			}
		}
		verb, name := marker(line)
		c.ours = c.ours || len(open) == 0 && string(line) == "PRODID:"+OwnProduct
		switch {
		case name == "VCALENDAR" && verb != "":
			if len(open) > 0 {
				return component{open[0], Decode(now.Bytes())}, nil
			}
			continue
		case verb == "BEGIN" && name == "VEVENT" && len(open) > 0:
			c.held = bytes.Clone(line)
			return component{open[0], Decode(now.Bytes())}, nil
		case verb == "BEGIN":
			if open = append(open, name); len(open) > maxDepth {
				return component{}, refuse(FileBroken, "more than %d components inside each other", maxDepth)
			}
		case verb == "END" && len(open) > 0:
			at := slices.Index(open, name)
			if at < 0 {
				continue // of nothing that began
			}
			if err := now.add(line); err != nil {
				return component{}, err
			}
			if open = open[:at]; at == 0 {
				return component{name, Decode(now.Bytes())}, nil
			}
			continue
		}
		if len(open) > 0 {
			if err := now.add(line); err != nil {
				return component{}, err
			}
		}
	}
	if len(open) > 0 {
		return component{open[0], Decode(now.Bytes())}, nil
	}
	return component{}, io.EOF
}

// marker reads BEGIN:NAME and END:NAME.
func marker(line []byte) (verb, name string) {
	if len(line) > 60 || len(line) < 5 {
		return "", ""
	}
	verb, name, _ = strings.Cut(strings.ToUpper(strings.TrimRight(string(line), " \t")), ":")
	if verb != "BEGIN" && verb != "END" {
		return "", ""
	}
	return verb, strings.TrimSpace(name)
}

// parse takes one component apart.
func (c component) parse() *ical.Component {
	for _, calendar := range readCalendar("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-\n" + c.text + "END:VCALENDAR\n") {
		if len(calendar.Children) > 0 {
			return calendar.Children[0]
		}
	}
	return nil
}

// uid is the UID that stands directly in the component, and whether a RECURRENCE-ID does.
func (c component) uid() (uid string, occurrence bool) {
	depth := 0
	for _, line := range unfold(c.text) {
		switch verb, _ := marker([]byte(line)); {
		case verb == "BEGIN":
			depth++
		case verb == "END":
			depth--
		case depth == 1:
			name, _, _ := strings.Cut(line, ":")
			name, _, _ = strings.Cut(name, ";")
			switch strings.ToUpper(strings.TrimSpace(name)) {
			case "UID":
				_, uid, _ = strings.Cut(line, ":")
			case "RECURRENCE-ID":
				occurrence = true
			}
		}
	}
	return uid, occurrence
}

// survey is what must be known of a whole calendar before its first event can be told: the rules of zones, which may stand anywhere,
// and which events are told together, because some change occurrences of another.
type survey struct {
	zones    *zones
	seed     maphash.Seed
	together map[uint64]int // by UID: how many components, of those that have a changed occurrence
}

func surveyOf(src Source, o Options) (*survey, error) {
	in, err := newLines(src, o.Encoding)
	if err != nil {
		return nil, err
	}
	s := &survey{zones: &zones{home: o.Zone, rules: map[string]*ical.Component{}}, seed: maphash.MakeSeed(), together: map[uint64]int{}}
	count, changed := map[uint64]int{}, map[uint64]bool{}
	all := &components{in: in}
	for {
		c, err := all.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch c.name {
		case ical.CompTimezone:
			rules := c.parse()
			if rules == nil {
				continue
			}
			if id := rules.Props.Get(ical.PropTimezoneID); id != nil && len(s.zones.rules) < 10_000 {
				s.zones.rules[id.Value] = rules
			}
		case ical.CompEvent:
			uid, occurrence := c.uid()
			if uid == "" {
				continue
			}
			h := maphash.String(s.seed, uid)
			count[h]++
			changed[h] = changed[h] || occurrence
		}
	}
	s.zones.ours = all.ours
	for h := range changed {
		if changed[h] && count[h] > 1 {
			s.together[h] = count[h]
		}
	}
	return s, nil
}

// openCalendar reads event after event. Those of one UID with changed occurrences come together, at the place of the last.
func openCalendar(src Source, o Options) (*Reader, error) {
	s, err := surveyOf(src, o)
	if err != nil {
		return nil, err
	}
	in, err := newLines(src, o.Encoding)
	if err != nil {
		return nil, err
	}
	all := &components{in: in}
	waiting := map[uint64][]*ical.Component{}
	var ready []Row
	number := 0
	tell := func(entries []*Entry) {
		for _, e := range entries {
			if e.Within {
				continue
			}
			for n := range max(1, len(e.Plans)) {
				number++
				row := rowOf(e, n)
				row.Number = number
				ready = append(ready, row)
			}
		}
	}
	return &Reader{next: func() (Row, error) {
		for len(ready) == 0 {
			c, err := all.next()
			if err != nil {
				return Row{}, err
			}
			switch c.name {
			case ical.CompEvent:
				event := c.parse()
				if event == nil {
					tell([]*Entry{{Kind: c.name, Why: Unreadable}})
					continue
				}
				uid, _ := c.uid()
				h := maphash.String(s.seed, uid)
				if s.together[h] == 0 || uid == "" {
					tell(s.zones.events([]*ical.Component{event}))
					continue
				}
				waiting[h] = append(waiting[h], event)
				if len(waiting[h]) == s.together[h] {
					tell(s.zones.events(waiting[h]))
					delete(waiting, h)
				}
			case "VTODO", "VJOURNAL", "VFREEBUSY":
				tell([]*Entry{{Kind: c.name, Name: nameOf(c.parse()), Why: NotAnEvent}})
			}
		}
		row := ready[0]
		ready = ready[1:]
		return row, nil
	}}, nil
}

// nameOf is what a component calls itself.
func nameOf(c *ical.Component) string {
	if c == nil {
		return ""
	}
	if p := c.Props.Get("SUMMARY"); p != nil {
		return clip(textOf(*p), 60)
	}
	return ""
}
