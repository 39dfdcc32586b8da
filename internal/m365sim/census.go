package m365sim

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A census is the directory of one tenant in the order of its lists, with an index of the beginnings of names and
// addresses, so that a search among a hundred thousand people costs what it finds. It belongs to one state of the
// tenant's people: a change brings a new one.
type census struct {
	people []*Person // by display name without letter case, then as they came

	mu      sync.Mutex
	indexes map[indexKey][]beginning
}

// indexKey names an index: of a property, by its whole value or by each word in it.
type indexKey struct {
	property string
	words    bool
}

// A beginning is a value, in small letters, from its start or from the start of one of its words on.
type beginning struct {
	text string
	at   int32 // in people
}

// indexed are the properties that $filter and $search find without looking at everybody.
var indexed = []string{"displayName", "givenName", "surname", "mail", "userPrincipalName"}

func newCensus(people []*Person) *census {
	type row struct {
		key string
		p   *Person
	}
	rows := make([]row, len(people))
	for i, p := range people {
		rows[i] = row{strings.ToLower(p.DisplayName), p}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(a.key, b.key) })
	n := &census{people: make([]*Person, len(rows)), indexes: map[indexKey][]beginning{}}
	for i, r := range rows {
		n.people[i] = r.p
	}
	return n
}

// beginnings is an index, made when it is first asked for.
func (n *census) beginnings(k indexKey) []beginning {
	n.mu.Lock()
	defer n.mu.Unlock()
	if index, ok := n.indexes[k]; ok {
		return index
	}
	index := make([]beginning, 0, len(n.people))
	for i, p := range n.people {
		value, _ := p.lookup(k.property).(string)
		if value == "" {
			continue
		}
		value = strings.ToLower(value)
		index = append(index, beginning{value, int32(i)})
		for at := 0; k.words; {
			next := strings.IndexAny(value[at:], wordBreaks)
			if next < 0 {
				break
			}
			at += next + 1
			index = append(index, beginning{value[at:], int32(i)})
		}
	}
	slices.SortFunc(index, func(a, b beginning) int { return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.at, b.at)) })
	n.indexes[k] = index
	return index
}

// wordBreaks end a word, as the tokens of $search do.
const wordBreaks = " .@-_'"

// find lists who has a value, or a word of it, that begins with a text: their places in people, in order.
func (n *census) find(k indexKey, text string) []int32 {
	text = strings.ToLower(text)
	index := n.beginnings(k)
	from, _ := slices.BinarySearchFunc(index, text, func(b beginning, text string) int { return strings.Compare(b.text, text) })
	var places []int32
	for _, b := range index[from:] {
		if !strings.HasPrefix(b.text, text) {
			break
		}
		places = append(places, b.at)
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// all are the places of everybody.
func (n *census) all() []int32 {
	places := make([]int32, len(n.people))
	for i := range places {
		places[i] = int32(i)
	}
	return places
}

// candidates lists everybody for whom a filter can hold, and perhaps others. ok is false when that takes a look at all.
func (n *census) candidates(c *condition) (places []int32, ok bool) {
	switch c.op {
	case "or":
		a, okA := n.candidates(c.kids[0])
		if !okA {
			return nil, false
		}
		b, okB := n.candidates(c.kids[1])
		return either(a, b), okB
	case "and":
		a, okA := n.candidates(c.kids[0])
		b, okB := n.candidates(c.kids[1])
		if okA && okB {
			return both(a, b), true
		}
		if okA {
			return a, true
		}
		return b, okB
	case "startswith", "eq":
		text, isText := c.value.(string)
		if isText && slices.Contains(indexed, c.path) {
			return n.find(indexKey{property: c.path}, text), true
		}
	}
	return nil, false
}

// either merges two lists of places, both keeps what is in the two.
func either(a, b []int32) []int32 {
	merged := slices.Concat(a, b)
	slices.Sort(merged)
	return slices.Compact(merged)
}

func both(a, b []int32) []int32 {
	var common []int32
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			common = append(common, a[i])
			i, j = i+1, j+1
		}
	}
	return common
}

// census is the present one. Whoever changes the people drops it.
func (t *Tenant) census() *census {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counted == nil {
		t.counted = newCensus(t.people)
	}
	return t.counted
}
