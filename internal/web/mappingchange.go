package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// change is from what a link goes by to what its person wants.
type change struct {
	link     *reconcile.Link // nil: there is none
	old, new reconcile.Settings
}

func (m meeting) changeTo(draft reconcile.Settings) change { return change{m.link, m.settings, draft} }

// none reports that nothing would differ. In which order the rows stand is no difference.
func (c change) none() bool {
	return winnerOf(c.old.Winner) == winnerOf(c.new.Winner) && len(c.rows()) == 0
}

// rows are the fields of Outlook's whose partner or direction differs.
func (c change) rows() (out []record.Field) {
	for _, of := range mapping.MicrosoftFields(record.Contacts) {
		f := of.Name
		was, _ := rowFor(c.old.Mapping, f)
		will, _ := rowFor(c.new.Mapping, f)
		if was != will {
			out = append(out, f)
		}
	}
	return out
}

// fields are the CRM's fields that the change concerns and that meet something after it.
func (c change) fields() (out []record.Field) {
	for _, f := range c.rows() {
		if row, ok := rowFor(c.new.Mapping, f); ok && !slices.Contains(out, row.CRM) {
			out = append(out, row.CRM)
		}
	}
	return out
}

// answer names this very change, so that a yes counts for what was shown and for nothing else.
func (c change) answer() string {
	raw, err := json.Marshal([]any{c.link.ID, c.old, c.new})
	if err != nil {
		panic(err) // strings and numbers only
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// mappingChangePage says what a change does before it is done.
type mappingChangePage struct {
	Frame    frame
	Path     string
	Rows     []mappingChange
	Winner   string // the new way to decide conflicts; "": it stays
	Decides  string // what becomes of values that differ
	Fields   int    // how many of the CRM's fields meet something else now
	Synced   int    // records that are in step
	Affected int    // those of them with a value in such a field
	More     bool   // there are more than were counted
	Counted  bool   // the person may see contacts
	Examples []mappingAffected
	Draft    url.Values
	Answer   string
	Preview  string // the address of what would be written; "": it could not be asked for
}

type mappingChange struct {
	Outlook, Was, Will string
}

type mappingAffected struct {
	Name, Path string
	Values     []labelled
}

type labelled struct{ Label, Value string }

// countedChange is how many records are looked through for the question, a thousand at a time: whoever has more is told
// that there are more.
const countedChange = 20 * countedAtOnce

// changeExamples is how many records the question names, and changeValues how many values of each.
const (
	changeExamples = 3
	changeValues   = 3
)

func (s *Site) askMapping(v *visit, c change) error {
	page := mappingChangePage{Path: mappingPath, Answer: c.answer(), Draft: c.form(), Fields: len(c.fields()), Counted: v.sees(record.Contacts)}
	for _, f := range c.rows() {
		was, _ := rowFor(c.old.Mapping, f)
		will, _ := rowFor(c.new.Mapping, f)
		page.Rows = append(page.Rows, mappingChange{v.words.outlook(f), v.partner(was), v.partner(will)})
	}
	if winnerOf(c.old.Winner) != winnerOf(c.new.Winner) {
		page.Winner = v.words.T("mapping.winner." + string(winnerOf(c.new.Winner)))
	}
	page.Decides = v.words.T("mapping.decides." + string(winnerOf(c.new.Winner)))
	if page.Counted {
		if err := s.countChange(v, c, &page); err != nil {
			return err
		}
	}
	page.Preview = s.previewLink(v, c.link, c.new)
	title := v.words.T("mapping.change.title")
	if len(page.Rows) == 0 {
		title = v.words.T("mapping.change.winner_title")
	}
	page.Frame = s.frame(v, "setup", title)
	return s.render(v, http.StatusOK, "mapping-change", page)
}

// partner is what a field of Outlook's meets, in words.
func (v *visit) partner(row mapping.Row) string {
	if row.CRM == "" {
		return v.words.T("mapping.nothing")
	}
	text := v.label(record.Contacts, row.CRM)
	if row.Direction != mapping.BothWays {
		text += " (" + v.words.T("mapping.way."+wayKey(row.Direction)) + ")"
	}
	return text
}

// countChange looks through the records in step for values in the fields that the change concerns.
func (s *Site) countChange(v *visit, c change, page *mappingChangePage) error {
	fields := c.fields()
	for offset := 0; ; offset += countedAtOnce {
		if offset >= countedChange {
			page.More = true
			return nil
		}
		found, err := s.Links.Records(v.ctx(), c.link.Org, c.link.ID, "synced", offset, countedAtOnce)
		if err != nil {
			return err
		}
		var ids []record.ID
		for _, r := range found {
			if id, ok := record.ParseID(string(r.CRM)); ok {
				ids = append(ids, id)
			}
		}
		page.Synced += len(found)
		if len(fields) > 0 && len(ids) > 0 {
			records, err := s.Records.ByID(v.ctx(), v.actor(), record.Contacts, ids...)
			if err != nil {
				return err
			}
			for _, r := range found {
				id, _ := record.ParseID(string(r.CRM))
				values := v.labelled(records[id].Fields, fields)
				if len(values) == 0 {
					continue
				}
				page.Affected++
				if len(page.Examples) < changeExamples {
					page.Examples = append(page.Examples, mappingAffected{r.Name, "/contacts/" + id.String(), values[:min(len(values), changeValues)]})
				}
			}
		}
		if len(found) < countedAtOnce {
			return nil
		}
	}
}

// labelled are the values that there are in some fields of the CRM.
func (v *visit) labelled(values record.Fields, fields []record.Field) (out []labelled) {
	for _, f := range fields {
		if text := v.shown(record.Contacts, f, values[f]); text != "" {
			out = append(out, labelled{v.label(record.Contacts, f), text})
		}
	}
	return out
}

// shownLetters is how much of a long value is shown.
const shownLetters = 120

// shown is a value of a field of the CRM as people read it.
func (v *visit) shown(kind record.Kind, f record.Field, value record.Value) string {
	def, _ := v.schema(kind).Def(f)
	text := string(value)
	switch {
	case value == "" || def.Type == record.Bool && value == "false":
		return ""
	case def.Type == record.Bool:
		return "✓"
	case def.Type == record.Image:
		return v.words.T("photo.one")
	case def.Type == record.Number:
		text = v.words.number(text)
	case def.Type == record.Date:
		if said, ok := v.words.Date(value); ok {
			text = said
		}
	case def.Type == record.Tags:
		text = strings.ReplaceAll(text, "\n", ", ")
	case def.Type == record.Picklist && slices.Contains(def.Values, text):
		text = v.choice(def, text)
	}
	if letters := []rune(text); len(letters) > shownLetters {
		text = string(letters[:shownLetters]) + "…"
	}
	return text
}

// form is the draft as the dialog sends it.
func (c change) form() url.Values {
	out := url.Values{"winner": {string(winnerOf(c.new.Winner))}}
	for _, of := range mapping.MicrosoftFields(record.Contacts) {
		f := of.Name
		row, _ := rowFor(c.new.Mapping, f)
		out.Set("crm."+string(f), string(row.CRM))
		out.Set("way."+string(f), string(row.Direction))
	}
	return out
}
