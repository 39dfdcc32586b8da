package outlook

import (
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/record"
)

// Always: what is sent for some fields, put over the contact as it was, is the contact with those fields; and sending
// for fields that are so already is nothing (I11).
func TestI11_ContactBody(t *testing.T) {
	t.Parallel()
	full := contactSample(1)
	names := make([]record.Field, 0, len(full))
	for name := range full {
		names = append(names, name)
	}
	value := func(t *rapid.T, name record.Field) record.Value {
		switch {
		case rapid.IntRange(0, 3).Draw(t, "empty") == 0:
			return ""
		case name == "birthday":
			return record.Value(rapid.SampledFrom([]string{"1984-02-29", "2001-01-01"}).Draw(t, "day"))
		case name == "categories":
			return record.Value(rapid.SampledFrom([]string{"A\nB", "C"}).Draw(t, "tags"))
		case len(name) > 14 && name[:14] == "emailAddresses":
			return record.Value(rapid.StringMatching(`[a-z]{1,5}@[a-z]{1,5}\.example`).Draw(t, "address"))
		}
		return record.Value(rapid.StringMatching(`[A-Za-zéã"\\ <>&]{1,8}`).Draw(t, "text"))
	}
	draw := func(t *rapid.T) record.Fields {
		f := record.Fields{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "names") {
			f[name] = value(t, name)
		}
		return f
	}
	put := func(t *rapid.T, c *graph.Contact, f record.Fields) {
		o, err := contactBody(c, f)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(o.JSON(), c); err != nil {
			t.Fatalf("%s: %v", o.JSON(), err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var c graph.Contact
		put(t, &c, draw(t))
		before := contactFields(&c)
		change := draw(t)
		put(t, &c, change)
		want := before.With(change)
		for name, v := range contactFields(&c) {
			if v != want[name] {
				t.Fatalf("%s = %q, want %q", name, v, want[name])
			}
		}
		if o, err := contactBody(&c, contactFields(&c)); err != nil || !o.Empty() {
			t.Fatalf("what is so already is sent: %s, %v", o.JSON(), err)
		}
	})
}

func TestFieldsThatGraphLacks(t *testing.T) {
	t.Parallel()
	if _, err := contactBody(&graph.Contact{}, record.Fields{"fax": "1"}); fault.ReasonOf(err) != fault.UnknownField {
		t.Errorf("%v", err)
	}
	if _, err := eventBody(nil, record.Fields{"organizer": "x"}); fault.ReasonOf(err) != fault.UnknownField {
		t.Errorf("%v", err)
	}
	if _, err := eventBody(nil, record.Fields{"attendees": "x"}); fault.ReasonOf(err) != fault.ReadOnlyField {
		t.Errorf("%v", err)
	}
}

// FIELD-FAILURES 113: an address that Exchange would drop is refused, and the fault names the field.
func TestFF113_MalformedAddress(t *testing.T) {
	t.Parallel()
	for _, bad := range []record.Value{"a@b.com,", "no at", "a b@c.d", "<a@b.c>"} {
		_, err := contactBody(&graph.Contact{}, record.Fields{"emailAddresses[1]": bad})
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Field != "emailAddresses[1]" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// An item is told as Left wherever in the person's contact folders it went, and as Gone once it is in none.
func TestWhereabouts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.container(record.Contacts)
	out := r.fill(link, 3)
	outer := r.must(r.actor().Post("/me/contactFolders", map[string]any{"displayName": "Outer"}))["id"].(string)
	inner := r.must(r.actor().Post("/me/contactFolders/"+outer+"/childFolders", map[string]any{"displayName": "Inner"}))["id"].(string)
	for i, folder := range []string{"contacts", outer, inner} {
		if _, err := r.sim.Mailbox(adele).Move(string(out[i].Ref), folder); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := r.side(link).Read(t.Context(), []record.Ref{out[0].Ref, out[1].Ref, out[2].Ref})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range seen {
		if c.State != record.Left {
			t.Errorf("contact %d is in state %d, want left", i, c.State)
		}
	}
}
