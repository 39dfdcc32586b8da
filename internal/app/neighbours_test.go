package app_test

import (
	"fmt"
	"testing"

	"tandem/internal/m365sim"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// TestD13_AThrottledMailboxHoldsUpNobodyElse: Microsoft wants one mailbox to be left alone for an hour, while its owner goes on
// writing. It is left alone, and what others write on either side crosses as ever.
func TestD13_AThrottledMailboxHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	adele := d.client("adele")
	others := []*client{d.client("alex"), d.client("diego"), d.client("megan")}
	ids, items := map[*client]string{}, map[*client]string{}
	for _, c := range append(others, adele) {
		ids[c] = c.insert("Contacts", doc{"Last_Name": "Of " + c.name})[0]
		c.switchOn("contacts")
		d.eventually("it is in Outlook", func() bool { return c.items("contacts", "surname")["Of "+c.name] != nil })
		items[c] = c.items("contacts", "surname")["Of "+c.name]["id"].(string)
		c.rest()
	}

	const plenty = 1000
	mailbox := "/users/" + d.m365.Person("adele@contoso.example").ID + "/*"
	for _, match := range []string{"* " + mailbox, "part * " + mailbox} {
		if err := d.m365.AddFault(m365sim.Fault{Match: match, Times: plenty, Do: "429", RetryAfter: 3600}); err != nil {
			t.Fatal(err)
		}
	}
	refused := func() (n int) {
		for _, f := range d.m365.Faults() {
			n += plenty - f.Times
		}
		return n
	}
	adele.edit(ids[adele], doc{"Title": "storm"})
	var first int
	d.eventually("the run ends with the refusal", func() bool {
		first = refused()
		return first > 0 && d.storedLink(adele, record.Contacts).LastError != ""
	})
	for round := range 4 {
		adele.edit(ids[adele], doc{"Title": fmt.Sprint("storm ", round)})
		d.wake(adele, "contacts")
		ours, theirs := fmt.Sprint("Department ", round), fmt.Sprint("Title ", round)
		for _, c := range others {
			c.edit(ids[c], doc{"Department": ours})
			c.editInOutlook(items[c], doc{"jobTitle": theirs})
		}
		for _, c := range others {
			d.eventually("what "+c.name+" wrote has crossed", func() bool {
				return c.get("Contacts", ids[c])["Title"] == theirs && c.items("contacts", "surname")["Of "+c.name]["department"] == ours
			})
		}
	}
	for _, c := range others {
		c.rest()
	}
	if n := refused(); n != first {
		t.Errorf("the mailbox was asked %d times more within the hour", n-first)
	}
	if l := d.storedLink(adele, record.Contacts); l.State != reconcile.On || l.Done == l.Wanted {
		t.Errorf("the throttled link is %s and has served %d of %d wake-ups", l.State, l.Done, l.Wanted)
	}
}
