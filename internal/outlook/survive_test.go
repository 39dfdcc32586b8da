package outlook

import (
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"tandem/internal/graph"
	"tandem/internal/mapping"
	"tandem/internal/record"
)

// Always, for any text and any mapping: what is sent of a contact comes back alike, or is told beforehand not to fit (I11);
// and what nobody mapped is as it was (I9).
func TestI11_EveryValueSurvivesOrIsToldNotToFit(t *testing.T) {
	t.Parallel()
	defs, offered := record.Defs(record.Contacts), mapping.MicrosoftFields(record.Contacts)
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", " a ", "a  b", "x@y.example", `"a,b"@c.example`, "x@", "1984-02-29", "1503-12-14", "b\na\nb", "e\u0301", "\u00a0", "👩‍👩‍👧‍👦", "\u200fمحمد", "a\x00b\x85c\u2028d",
		"a\r\nb\tc", "\xff\xfe",
	}))
	rapid.Check(t, func(t *rapid.T) {
		table := &mapping.Table{Kind: record.Contacts}
		for range rapid.IntRange(1, 25).Draw(t, "rows") {
			row := mapping.Row{Microsoft: rapid.SampledFrom(offered).Draw(t, "microsoft").Name, CRM: rapid.SampledFrom(defs).Draw(t, "crm").Name}
			with := &mapping.Table{Kind: record.Contacts, Rows: append(table.Rows[:len(table.Rows):len(table.Rows)], row)}
			if with.Check() == nil && row.Microsoft != photoField { // photos are no part of a contact's body: photos_test.go
				table = with
			}
		}
		var before graph.Contact
		full, err := contactBody(&before, contactSample(1))
		if err == nil {
			err = json.Unmarshal(full.JSON(), &before)
		}
		if err != nil {
			t.Fatal(err)
		}
		was := contactFields(&before)
		sent := record.Fields{}
		for _, row := range table.Rows {
			v := record.Value(texts.Draw(t, string(row.CRM)))
			switch def, _ := record.DefOf(record.Contacts, row.CRM); def.Type {
			case record.Picklist:
				v = record.Value(def.Values[0])
			case record.Bool:
				v = record.Value(strconv.FormatBool(len(v)%2 == 1))
			}
			if v = mapping.Normal(record.Standard(record.Contacts), record.Fields{row.CRM: v})[row.CRM]; table.UnfitForMicrosoft(row.CRM, v) == "" {
				sent[row.CRM] = v
			}
		}
		theirs := table.ToMicrosoft(sent)
		body, err := contactBody(&before, theirs)
		if err != nil {
			t.Fatalf("%q: %v", sent, err)
		}
		after := before
		if err := json.Unmarshal(body.JSON(), &after); err != nil {
			t.Fatalf("%s: %v", body.JSON(), err)
		}
		now := contactFields(&after)
		back := mapping.Normal(record.Standard(record.Contacts), table.ToCRM(now))
		for f, v := range sent {
			if f == record.FirstName || f == record.LastName { // the CRM demands a name: a stand-in may have taken its place
				continue
			}
			if back[f] != mapping.Normal(record.Standard(record.Contacts), record.Fields{f: v})[f] {
				t.Fatalf("%s: %q came back as %q", f, v, back[f])
			}
		}
		for f, v := range was {
			if _, mapped := theirs[f]; !mapped && now[f] != v {
				t.Fatalf("%s, which nobody mapped: %q became %q", f, v, now[f])
			}
		}
	})
}
