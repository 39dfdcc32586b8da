package crmapi

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// Links is what the API asks about links; reconcile.Links fits it.
type Links interface {
	Link(ctx context.Context, org record.ID, id reconcile.LinkID) (*reconcile.Link, error)
	LinksOf(ctx context.Context, org, user record.ID) ([]reconcile.Link, error)
	Standing(ctx context.Context, org record.ID, id reconcile.LinkID) (reconcile.Standing, error)
	Records(ctx context.Context, org record.ID, id reconcile.LinkID, state string, offset, limit int) ([]reconcile.RecordState, error)
	History(ctx context.Context, org record.ID, id reconcile.LinkID, before int64, limit int) ([]reconcile.HistoryEntry, error)
	Asks(ctx context.Context, org record.ID, id reconcile.LinkID, offset, limit int) ([]reconcile.Question, error)
	LeftOut(ctx context.Context, org record.ID, id reconcile.LinkID, offset, limit int) ([]reconcile.Question, error)
	TakeBack(ctx context.Context, org record.ID, id reconcile.LinkID, item record.Ref) error
	Decide(ctx context.Context, org record.ID, id reconcile.LinkID, item record.Ref, answer reconcile.Ask) error
}

// Switch turns links on and off; reconcile.Switchboard fits it.
type Switch interface {
	// On switches a kind on. Denied with reason ConsentRequired or ReconnectNeeded: the person must go to Microsoft
	// first; with SyncWithheld: the profile does not allow it. Conflict: it is on already.
	On(ctx context.Context, org, user record.ID, kind record.Kind) (*reconcile.Link, error)
	// Set changes what the person wants of a kind. Invalid: the mapped fields do not go together with it. Conflict: it is
	// being switched off.
	Set(ctx context.Context, org, user record.ID, kind record.Kind, change func(*reconcile.Wish)) error
	Off(ctx context.Context, org, user record.ID, id reconcile.LinkID) error
	Run(ctx context.Context, org, user record.ID, id reconcile.LinkID) error
}

// links answers GET /api/v1/links: those of whoever asks.
func (c *call) links() error {
	links, err := c.Links.LinksOf(c.r.Context(), c.user.Org, c.user.ID)
	if err != nil {
		return err
	}
	list := []object{}
	for _, l := range links {
		shown, err := c.showLink(&l)
		if err != nil {
			return err
		}
		list = append(list, shown)
	}
	return c.answer(http.StatusOK, list)
}

func (c *call) showLink(l *reconcile.Link) (object, error) {
	n, err := c.Links.Standing(c.r.Context(), c.user.Org, l.ID)
	if err != nil {
		return nil, err
	}
	return object{
		"id": strconv.FormatInt(int64(l.ID), 10), "kind": string(l.Kind), "state": string(l.State), "reason": orNull(string(l.Reason)),
		"synced": n.Synced, "waiting": n.Waiting, "excluded": n.Excluded, "failing": n.Failing,
		"last_run": utc(l.LastRun), "direction": direction(l.Policy.Direction), "winner": cmp.Or(l.Policy.Winner, reconcile.LaterWins),
		"invites": l.Policy.Invites, "calendar": orNull(string(l.Policy.Calendar)),
		"proof": proof(l.Proof),
	}, nil
}

// proof is what the last audit of a link came to; null: there was none.
func proof(p reconcile.Proof) any {
	if p.At.IsZero() {
		return nil
	}
	return object{"at": utc(p.At), "compared": p.Compared, "differed": p.Drift, "left": p.Left}
}

// utc tells a moment for programs; null: never.
func utc(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// direction is the direction of a whole link, as programs read it.
func direction(d mapping.Direction) string {
	if d == mapping.BothWays {
		return "both"
	}
	return string(d)
}

// changeLink answers PATCH /api/v1/links/{id}: {"direction": "both", "to_microsoft" or "to_crm", "winner": "later", "microsoft",
// "crm" or "ask", "invites": true or false}, of which winner decides where both sides changed a field, and invites is for calendars and mails nobody by itself. It counts from the next run
// on, here and for links to come. 409: it is being switched off.
func (c *call) changeLink() error {
	l, err := c.link()
	if err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := c.read(&given); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !readOption(new(reconcile.Wish), name, given[name]) {
			return wrongKey(name)
		}
	}
	if l.State == reconcile.Off {
		return problem{status: 409, code: "SWITCHED_OFF", message: "this sync is off"}
	}
	if err := c.set(l.Kind, given); err != nil {
		return err
	}
	if l, err = c.link(); err != nil {
		return err
	}
	shown, err := c.showLink(l)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, shown)
}

// maxCalendarID bounds what is taken for the id of a calendar; Graph's have about 150 letters.
const maxCalendarID = 1000

// readOption takes one option from a request's body; false: there is no such option, or no such value.
func readOption(into *reconcile.Wish, name string, raw json.RawMessage) bool {
	if name == "invites" {
		return string(raw) != "null" && json.Unmarshal(raw, &into.Invites) == nil
	}
	if name == "winner" {
		return json.Unmarshal(raw, &into.Winner) == nil && slices.Contains([]reconcile.Winner{reconcile.LaterWins, reconcile.MicrosoftWins, reconcile.CRMWins, reconcile.AskPerson}, into.Winner)
	}
	if name == "calendar" { // of the person's own, in place of a dedicated one; null: a dedicated one
		var ref *record.Ref
		if json.Unmarshal(raw, &ref) != nil || ref != nil && (*ref == "" || len(*ref) > maxCalendarID) {
			return false
		}
		if into.Calendar, into.CalendarName = "", ""; ref != nil {
			into.Calendar = *ref
		}
		return true
	}
	if name != "direction" {
		return false
	}
	var said string
	if json.Unmarshal(raw, &said) != nil {
		return false
	}
	for _, d := range []mapping.Direction{mapping.BothWays, mapping.ToMicrosoft, mapping.ToCRM} {
		if said == direction(d) {
			into.Direction = d
			return true
		}
	}
	return false
}

// set changes the options that are said, which have been read before.
func (c *call) set(kind record.Kind, said map[string]json.RawMessage) error {
	err := c.Switch.Set(c.r.Context(), c.user.Org, c.user.ID, kind, func(o *reconcile.Wish) {
		for name, raw := range said {
			readOption(o, name, raw)
		}
	})
	switch {
	case fault.Is(err, fault.Conflict):
		return problem{status: 409, code: "SWITCHING_OFF", message: "this sync is just being switched off; ask again in a moment"}
	case fault.ReasonOf(err) == fault.ReadOnlyField:
		return problem{status: 409, code: "SYNC_IS_ON", message: "the calendar of a sync stays the same: switch it off first",
			details: object{"api_name": "calendar", "json_path": "$.calendar"}}
	case fault.Is(err, fault.Invalid) && fault.ReasonOf(err) == fault.BadValue:
		return problem{status: 400, code: "INVALID_DATA", message: "only the sync of the calendar can live in a calendar",
			details: object{"api_name": "calendar", "json_path": "$.calendar"}}
	case fault.ReasonOf(err) == fault.NotExpressible:
		return problem{status: 400, code: "INVALID_DATA", message: "the fields that go the other way only leave too little to sync",
			details: object{"api_name": "direction", "json_path": "$.direction"}}
	}
	return err
}

// switchOn answers POST /api/v1/links: {"kind": "calendar" or "contacts"}, with or without a direction, and
// of the calendar with or without the id of a "calendar" that the person has already, to sync in place of a dedicated one.
func (c *call) switchOn() error {
	var given map[string]json.RawMessage
	if err := c.read(&given); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if name != "kind" && !readOption(new(reconcile.Wish), name, given[name]) {
			return problem{status: 400, code: "INVALID_DATA", message: "there is no such key",
				details: object{"api_name": name, "json_path": "$." + name}}
		}
	}
	var body struct{ Kind record.Kind }
	_ = json.Unmarshal(given["kind"], &body.Kind) // of another type: refused below, as no kind is
	if body.Kind != record.Calendar && body.Kind != record.Contacts {
		return problem{status: 400, code: "INVALID_DATA", message: "kind must be calendar or contacts",
			details: object{"api_name": "kind", "json_path": "$.kind"}}
	}
	if len(given) > 1 {
		if err := c.set(body.Kind, given); err != nil {
			return err
		}
	}
	link, err := c.Switch.On(c.r.Context(), c.user.Org, c.user.ID, body.Kind)
	switch reason := fault.ReasonOf(err); {
	case err == nil:
		shown, err := c.showLink(link)
		if err != nil {
			return err
		}
		return c.answer(http.StatusCreated, shown)
	case fault.Is(err, fault.Conflict):
		return c.isOn(body.Kind)
	case reason == fault.ConsentRequired || reason == fault.ReconnectNeeded:
		return c.answer(http.StatusConflict, object{
			"code": "CONSENT_REQUIRED", "status": "error", "message": "the person must agree at Microsoft first",
			"details": object{"reason": string(reason)}, "url": c.ConsentURL(c.r.Context(), c.user, body.Kind),
		})
	case fault.Is(err, fault.Denied) && reason != "":
		message := "Microsoft does not let this person sync"
		if reason == fault.SyncWithheld {
			message = "an administrator has withheld this kind of sync"
		}
		return problem{status: 403, code: strings.ToUpper(string(reason)), message: message, details: object{"reason": string(reason)}}
	}
	return err
}

// isOn answers for a kind that is on already, as if this request had switched it on: asking twice is harmless, and coming
// back from Microsoft may have switched it on before the script asks again.
func (c *call) isOn(kind record.Kind) error {
	links, err := c.Links.LinksOf(c.r.Context(), c.user.Org, c.user.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Kind != kind || l.State == reconcile.Switching {
			continue
		}
		shown, err := c.showLink(&l)
		if err != nil {
			return err
		}
		return c.answer(http.StatusCreated, shown)
	}
	return problem{status: 409, code: "SWITCHING_OFF", message: "this sync is just being switched off; ask again in a moment"}
}

// link finds the link that the path names, if it belongs to whoever asks.
func (c *call) link() (*reconcile.Link, error) {
	id, ok := record.ParseID(c.args["id"])
	if !ok {
		return nil, fault.New(fault.NotFound, "", "crmapi: %q is not the id of a link", c.args["id"])
	}
	l, err := c.Links.Link(c.r.Context(), c.user.Org, reconcile.LinkID(id))
	if err != nil {
		return nil, err
	}
	if l.User != c.user.ID {
		return nil, fault.New(fault.NotFound, "", "crmapi: link %d is somebody else's", id)
	}
	return l, nil
}

// linkInside is the link that the path names, for whoever may see the records that it is about.
func (c *call) linkInside() (*reconcile.Link, error) {
	l, err := c.link()
	if err == nil && !views(c.actor.May(l.Kind)) {
		return nil, kinds[fault.Denied]
	}
	return l, err
}

// switchOff answers DELETE /api/v1/links/{id}: it begins to switch off; the container goes with the next run.
func (c *call) switchOff() error {
	l, err := c.link()
	if err != nil {
		return err
	}
	if err := c.Switch.Off(c.r.Context(), c.user.Org, c.user.ID, l.ID); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

// runLink answers POST /api/v1/links/{id}/run: the link is woken, and answers before it has run.
func (c *call) runLink() error {
	l, err := c.link()
	if err != nil {
		return err
	}
	if err := c.Switch.Run(c.r.Context(), c.user.Org, c.user.ID, l.ID); err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, object{"id": strconv.FormatInt(int64(l.ID), 10)})
}

// recordStates are the values of the parameter state.
var recordStates = map[string]bool{"": true, "synced": true, "waiting": true, "failing": true, "excluded": true}

// linkRecords answers GET /api/v1/links/{id}/records?state=&page=&per_page=.
func (c *call) linkRecords() error {
	l, err := c.linkInside()
	if err != nil {
		return err
	}
	q := c.r.URL.Query()
	state := q.Get("state")
	if !recordStates[state] {
		return invalidParam("state")
	}
	size, err := number(q, "per_page", maxPage, maxPage)
	if err != nil {
		return err
	}
	page, err := number(q, "page", 1, maxByToken)
	if err != nil {
		return err
	}
	states, err := c.Links.Records(c.r.Context(), c.user.Org, l.ID, state, (page-1)*size, size)
	if err != nil {
		return err
	}
	list := make([]object, len(states))
	for i, s := range states {
		list[i] = object{
			"record": orNull(string(s.CRM)), "microsoft_id": orNull(string(s.Microsoft)), "name": s.Name, "state": s.State,
			"reason": orNull(string(s.Reason)), "detail": orNull(s.Detail), "retry_at": utc(s.RetryAt), "since": utc(s.Since),
		}
	}
	return c.answer(http.StatusOK, list)
}

// linkHistory answers GET /api/v1/links/{id}/history?before=&per_page=, latest first.
func (c *call) linkHistory() error {
	l, err := c.linkInside()
	if err != nil {
		return err
	}
	q := c.r.URL.Query()
	size, err := number(q, "per_page", maxPage, maxPage)
	if err != nil {
		return err
	}
	var before int64
	if text := q.Get("before"); text != "" {
		id, ok := record.ParseID(text)
		if !ok {
			return invalidParam("before")
		}
		before = int64(id)
	}
	lines, err := c.Links.History(c.r.Context(), c.user.Org, l.ID, before, size)
	if err != nil {
		return err
	}
	list := make([]object, len(lines))
	for i, h := range lines {
		lost := []object{}
		for _, v := range h.Lost {
			lost = append(lost, object{"field": string(v.Field), "side": string(v.Side), "value": string(v.Value)})
		}
		list[i] = object{
			"id": strconv.FormatInt(h.ID, 10), "at": utc(h.At), "record": orNull(string(h.CRM)),
			"microsoft_id": orNull(string(h.Microsoft)), "side": string(h.Side), "action": string(h.Action),
			"reason": h.Reason, "fields": known(h.Fields), "before": known(h.Before), "lost": lost, "run": strconv.FormatInt(h.Run, 10),
		}
	}
	return c.answer(http.StatusOK, list)
}

// known are fields as an object, even if there are none.
func known(fields record.Fields) record.Fields {
	if fields == nil {
		return record.Fields{}
	}
	return fields
}

// linkAsks answers GET /api/v1/links/{id}/asks?page=&per_page=: what a person is asked. taken, match and new are what was
// said and is not carried out yet. mails are people who would hear that a meeting is off: only the page takes a yes to that. With left_out=true it tells the items that the person left out.
func (c *call) linkAsks() error {
	l, err := c.linkInside()
	if err != nil {
		return err
	}
	q := c.r.URL.Query()
	size, err := number(q, "per_page", maxPage, maxPage)
	if err != nil {
		return err
	}
	page, err := number(q, "page", 1, maxByToken)
	if err != nil {
		return err
	}
	find := c.Links.Asks
	if q.Get("left_out") == "true" {
		find = c.Links.LeftOut
	}
	asked, err := find(c.r.Context(), c.user.Org, l.ID, (page-1)*size, size)
	if err != nil {
		return err
	}
	list := make([]object, len(asked))
	for i, a := range asked {
		conflicts, matches, taken, theirs := a.Ask.Conflicts, a.Ask.Matches, a.Ask.Taken, a.Ask.Theirs
		if conflicts == nil {
			conflicts = []record.Field{}
		}
		if matches == nil {
			matches = []record.Ref{}
		}
		if taken == nil {
			taken = map[record.Field]reconcile.Where{}
		}
		theirs = maps.Clone(theirs)
		mails := a.Ask.Mails
		if mails == nil {
			mails = []string{}
		}
		delete(theirs, record.FurtherAddresses) // no fields of the CRM's
		if delete(theirs, record.UID); theirs == nil {
			theirs = record.Fields{}
		}
		list[i] = object{
			"record": orNull(string(a.CRM)), "microsoft_id": string(a.Microsoft), "name": a.Name, "since": utc(a.Since),
			"conflicts": conflicts, "matches": matches, "mails": mails, "microsoft": theirs,
			"taken": taken, "match": orNull(string(a.Ask.Match)), "new": a.Ask.New, "left_out": a.Ask.Out,
		}
	}
	return c.answer(http.StatusOK, list)
}

// decideAsk answers POST /api/v1/links/{id}/asks: {"microsoft_id":…} with one of "taken":{field: "crm" or "microsoft"},
// "match":id, "new":true, "left_out":true, or "left_out":false for an item that was left out. The next run carries it out. 404: nothing of the kind is asked, or no longer.
func (c *call) decideAsk() error {
	l, err := c.linkInside()
	if err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := c.read(&given); err != nil {
		return err
	}
	var item record.Ref
	var answer reconcile.Ask
	keys := map[string]any{"microsoft_id": &item, "taken": &answer.Taken, "match": &answer.Match, "new": &answer.New, "left_out": &answer.Out}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		into, known := keys[name]
		if !known || json.Unmarshal(given[name], into) != nil {
			return wrongKey(name)
		}
	}
	if item == "" {
		return wrongKey("microsoft_id")
	}
	if _, there := given["left_out"]; there && len(given) == 2 && !answer.Out {
		if err := c.Links.TakeBack(c.r.Context(), c.user.Org, l.ID, item); err != nil {
			return err
		}
		return c.answer(http.StatusAccepted, object{"microsoft_id": string(item)})
	}
	said := 0
	for name, is := range map[string]bool{"taken": len(answer.Taken) > 0, "match": answer.Match != "", "new": answer.New, "left_out": answer.Out} {
		if is {
			said++
		} else if _, there := given[name]; there {
			return wrongKey(name)
		}
	}
	if said != 1 {
		return problem{status: 400, code: "INVALID_DATA", message: "say one of taken, match, new and left_out"}
	}
	if err := wholeGroups(c.schema(l.Kind), answer.Taken); err != nil {
		return err
	}
	if err := c.Links.Decide(c.r.Context(), c.user.Org, l.ID, item, answer); err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, object{"microsoft_id": string(item)})
}

// wrongKey refuses a key of the body that is not known, or whose value is not of its kind.
func wrongKey(name string) error {
	return problem{status: 400, code: "INVALID_DATA", message: "invalid data",
		details: object{"api_name": name, "json_path": "$." + name}}
}

// wholeGroups checks which side's value is taken of each field, and adds the fields that only make sense together with one:
// all of them come from one side.
func wholeGroups(schema *record.Schema, taken map[record.Field]reconcile.Where) error {
	for _, name := range slices.Sorted(maps.Keys(taken)) {
		side := taken[name]
		def, known := schema.Def(name)
		if !known || side != reconcile.InCRM && side != reconcile.InMicrosoft {
			return wrongKey("taken." + string(name))
		}
		for _, other := range schema.Defs() {
			if def.Group == "" || other.Group != def.Group {
				continue
			}
			if taken[other.Name] != "" && taken[other.Name] != side {
				return wrongKey("taken." + string(other.Name))
			}
			taken[other.Name] = side
		}
	}
	return nil
}
