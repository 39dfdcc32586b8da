package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/account"
	"tandem/internal/crm"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// timeline is what happened with a contact, the latest first, and what is to come.
type timeline struct {
	Entries []timelineEntry
	Older   string // the address of what was before; "": these are all
}

type timelineEntry struct {
	Kind   string // event, sync, mass, edit, import, changed, made
	What   string
	When   string
	Detail string
	Path   string
	Values []valueLine
	Coming bool
	Bad    bool
	at     time.Time
}

// timelineFirst is how much of it a contact's page shows, timelineSame how much more is read in case several things happened at the
// very moment at which a page ends: those stay together.
const timelineFirst, timelineSame = 8, 20

// timelinePage is the whole timeline, a page after the other.
type timelinePage struct {
	Frame    frame
	ID, Name string
	Timeline timeline
	Here     string // the address
	Newest   string // that of the first page, from a later one
}

func (s *Site) contactTimeline(v *visit) error {
	r, err := s.recordOf(v, record.Contacts)
	if err != nil {
		return err
	}
	users, err := s.Accounts.Users(v.ctx(), v.user.Org)
	if err != nil {
		return err
	}
	page := timelinePage{ID: r.ID.String(), Name: contactName(v.words, r), Here: v.r.URL.RequestURI()}
	var before time.Time
	if at, err := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64); err == nil && at > 0 {
		before, page.Newest = time.UnixMicro(at), timelinePath(r.ID)
	}
	if page.Timeline, err = s.timeline(v, r, users, before, pageSize); err != nil {
		return err
	}
	if v.wants("timeline") {
		return s.part(v, "timeline", "timeline-part", page)
	}
	page.Frame = s.frame(v, "contacts", v.words.T("timeline.of", "Name", page.Name))
	return s.render(v, http.StatusOK, "timeline", page)
}

func timelinePath(contact record.ID) string { return "/contacts/" + contact.String() + "/timeline" }

// timeline tells what happened with a contact before a moment; zero: all there is. Each source is asked once: events about the contact,
// what sync did with it, what people changed, bulk deeds and files that changed it; the record itself tells the rest.
func (s *Site) timeline(v *visit, r crm.Record, users []account.User, before time.Time, limit int) (t timeline, err error) {
	var all []timelineEntry
	until := before
	if !before.IsZero() {
		until = before.AddDate(0, 0, 1) // whole days are kept as days of UTC: the reader's may begin earlier
	}
	add := func(e timelineEntry) {
		if before.IsZero() || e.at.Before(before) {
			e.When = v.words.Moment(e.at.In(v.zone))
			e.Coming = e.at.After(v.now)
			all = append(all, e)
		}
	}
	if v.sees(record.Calendar) {
		events, err := s.Records.List(v.ctx(), v.actor(), record.Calendar, crm.Query{Who: r.ID, To: until, Sort: crm.ByStart, Descending: true, Limit: limit + timelineSame})
		if err != nil {
			return t, err
		}
		for _, e := range events {
			series, ok := crm.SeriesOf(e.Fields)
			if !ok {
				continue
			}
			o := shown(e, series.First(), v.zone)
			add(timelineEntry{Kind: "event", What: eventName(v.words, e), Detail: joinNonEmpty(" · ", v.whenWords(o), v.ruleWords(e)), Path: "/calendar/" + e.ID.String(), at: o.Start})
		}
	}
	lines, err := s.Links.Lines(v.ctx(), v.user.Org, reconcile.HistoryQuery{Record: r.ID.Ref(), Kind: record.Contacts, To: before, Limit: limit + timelineSame})
	if err != nil {
		return t, err
	}
	told, err := s.tellLines(v, record.Contacts, r.Owner == v.user.ID, lines)
	if err != nil {
		return t, err
	}
	explained := map[time.Time]bool{}
	for _, l := range told {
		explained[l.at.Truncate(time.Second)] = true
		add(timelineEntry{Kind: "sync", What: l.What, Detail: joinNonEmpty(" · ", l.Why, l.Undone), Values: l.Values, Bad: l.Bad, at: l.at})
	}
	deeds, err := s.Mass.MassUpdatesTo(v.ctx(), v.user.Org, r.ID, limit+timelineSame)
	if err != nil {
		return t, err
	}
	for _, u := range deeds {
		add(timelineEntry{Kind: "mass", What: v.words.T("timeline.mass", "What", v.massWords(u, users)), Detail: ownerName(users, u.User), at: u.Touched})
	}
	edits, err := s.Edits.Edits(v.ctx(), v.user.Org, r.ID, before, limit+timelineSame)
	if err != nil {
		return t, err
	}
	for _, e := range edits {
		explained[e.At.Truncate(time.Second)] = true
		add(v.editEntry(e, users))
	}
	files, err := s.Imports.ImportsTo(v.ctx(), v.user.Org, r.ID, limit+timelineSame)
	if err != nil {
		return t, err
	}
	from := ""
	for _, i := range files {
		if !i.Begun.After(r.CreatedAt) && r.Source == record.Import {
			from = i.File
			continue
		}
		add(timelineEntry{Kind: "import", What: v.words.T("timeline.import", "File", i.File), Detail: ownerName(users, i.User), at: i.Touched})
	}
	made := v.words.T("timeline.made." + sourceKey(r.Source))
	if from != "" {
		made = v.words.T("timeline.made.file", "File", from)
	}
	add(timelineEntry{Kind: "made", What: made, Detail: ownerName(users, r.CreatedBy), at: r.CreatedAt})
	if r.Version > 1 && r.ModifiedAt.After(r.CreatedAt) && !explained[r.ModifiedAt.Truncate(time.Second)] {
		add(timelineEntry{Kind: "changed", What: v.words.T("timeline.changed"), Detail: ownerName(users, r.ModifiedBy), at: r.ModifiedAt})
	}
	slices.SortStableFunc(all, func(a, b timelineEntry) int { return b.at.Compare(a.at) })
	if len(all) > limit {
		end := limit
		for end < len(all) && all[end].at.Equal(all[end-1].at) {
			end++
		}
		if end < len(all) {
			t.Older = timelinePath(r.ID) + "?" + url.Values{"before": {strconv.FormatInt(all[end-1].at.UnixMicro(), 10)}}.Encode()
		}
		all = all[:end]
	}
	t.Entries = all
	return t, nil
}

// editEntry tells of one change: who, when, and what each field was and became.
func (v *visit) editEntry(e crm.Edit, users []account.User) timelineEntry {
	out := timelineEntry{Kind: "edit", Detail: ownerName(users, e.By), at: e.At}
	out.What = v.words.T("timeline.edit."+string(e.Did), "Names", strings.Join(e.Others, ", "))
	if e.Owner != 0 {
		handed := v.words.T("timeline.edit.owner", "Name", ownerName(users, e.Owner))
		if out.What = handed; e.Did != crm.Edited || len(e.After) > 0 {
			out.What = v.words.T("timeline.edit."+string(e.Did), "Names", strings.Join(e.Others, ", "))
			out.Detail = joinNonEmpty(" · ", out.Detail, handed)
		}
	}
	for _, d := range v.schema(record.Contacts).Defs() {
		if _, changed := e.After[d.Name]; changed {
			out.Values = append(out.Values, valueLine{
				Label: v.label(record.Contacts, d.Name), Known: true,
				Before: v.valueWords(record.Contacts, d.Name, e.Before), After: v.valueWords(record.Contacts, d.Name, e.After),
			})
		}
	}
	return out
}

// sources are those that have words of their own: timeline.made.<key>.
var sources = map[record.Source]string{record.Manual: "manual", record.Import: "import", record.Migration: "migration", record.API: "api", record.FromExchange: "outlook"}

// sourceKey is how messages call where a record came from.
func sourceKey(s record.Source) string {
	if key, ok := sources[s]; ok {
		return key
	}
	return "other"
}
