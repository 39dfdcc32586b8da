package reconcile

import (
	"slices"
	"time"

	"tandem/internal/mapping"
	"tandem/internal/record"
)

// Rules are what Plan decides by: whose link it is, of which kind, which CRM fields take part, which of them go one way
// only, the policy.
type Rules struct {
	User   record.ID
	Heir   record.ID // whose records count as the user's too; 0: nobody's
	Kind   record.Kind
	Fields []record.Field
	OneWay map[record.Field]mapping.Direction // those of a group go the same way
	Way    mapping.Direction                  // which way records come to be and go; one way: all of Fields go that way
	Region string                             // whose telephone numbers are written without their country (ISO 3166-1); "": Brazil's
	Table  *mapping.Table                     // tells what the fields hold, and which values each side has a place for; nil: the default one
	Policy Policy
	Since  time.Time // when the link was switched on: see existing.go
}

func (r Rules) table() *mapping.Table {
	if r.Table == nil {
		return mapping.Default(r.Kind)
	}
	return r.Table
}

// normal gives fields in normal form.
func (r Rules) normal(fields record.Fields) record.Fields {
	return mapping.Normal(r.table().Schema(), fields)
}

// goes are the fields whose values are brought to a side.
func (r Rules) goes(to Where) []record.Field {
	if len(r.OneWay) == 0 {
		return r.Fields
	}
	out := make([]record.Field, 0, len(r.Fields))
	for _, f := range r.Fields {
		if r.takes(to, f) {
			out = append(out, f)
		}
	}
	return out
}

// takes reports whether a side takes the values of a field.
func (r Rules) takes(side Where, f record.Field) bool {
	way := r.OneWay[f]
	return way == mapping.BothWays || (way == mapping.ToCRM) == (side == InCRM)
}

// newInCRM are the fields with which a record is made in the CRM: a contact is called what Outlook calls it, even if its
// name is not mapped or goes the other way from then on, for the CRM demands a name.
func (r Rules) newInCRM() []record.Field {
	out := r.goes(InCRM)
	if r.Kind != record.Contacts {
		return out
	}
	for _, f := range []record.Field{record.FirstName, record.LastName} {
		if !slices.Contains(out, f) && (f == record.LastName || slices.Contains(r.Fields, f)) {
			out = append(slices.Clip(out), f)
		}
	}
	return out
}

// Item is all that is known about one record when it is planned. Fields are the CRM's on both sides.
type Item struct {
	Pair *Pair // nil: the two sides have not been paired
	// Theirs and Ours are the record at Microsoft and in the CRM as just read. Of a pair, nil says: as it was at the
	// pair's version.
	Theirs, Ours *record.Change
	cleared      bool // the pair carried a doubt, and the ledger says so still
}

// Verb is what a step does.
type Verb string

// The verbs. Plan never deletes by itself: the runner carries out deletions at the end of a run, after the brake.
const (
	Skip            Verb = "skip"             // nothing to do, and nothing to remember
	Adopt           Verb = "adopt"            // both sides agree: remember it
	Merge           Verb = "merge"            // write fields to one side or to both
	CreateMicrosoft Verb = "create_microsoft" // make the item at Microsoft
	CreateCRM       Verb = "create_crm"
	RestoreCRM      Verb = "restore_crm" // out of the recycle bin
	DeleteMicrosoft Verb = "delete_microsoft"
	DeleteCRM       Verb = "delete_crm"
	Unlink          Verb = "unlink" // the pair ends; the CRM keeps its record, out of the sync
	Drop            Verb = "drop"   // the pair ends; nothing is left to keep
	Leave           Verb = "leave"  // the item stays where it is and out of the sync, as the link does not bring it over
	Wait            Verb = "wait"   // a side cannot tell what became of the record: look again later
	// AskFirst is nothing that Plan decides: the runner asks a person whose record an item is, or waits for the answer.
	AskFirst Verb = "ask_first"
)

// The reasons of steps, for the history; pages have words for them, as they have for the catalogue of package fault.
const (
	NewInCRM         = "new_in_crm"
	NewInMicrosoft   = "new_in_microsoft"
	ChangedCRM       = "changed_in_crm"
	ChangedMicrosoft = "changed_in_microsoft"
	ChangedBoth      = "changed_on_both" // different fields, or the same one: Lost says which values lost
	Alike            = "alike"
	DeletedCRM       = "deleted_in_crm"
	DeletedMicrosoft = "deleted_in_microsoft"
	DeletedBoth      = "deleted_on_both"
	CannotTell       = "cannot_tell"
	EditBeatsDelete  = "edit_beats_delete"
	OwnerChanged     = "owner_changed"
	MovedOutOf       = "moved_out"
	SwitchedOff      = "switched_off"
	OneWayOnly       = "one_way"          // the link goes one way, and its source is right
	BeforeSync       = "before_sync"      // it was over when the sync of a calendar began that was there before
	MadeTwice        = "made_twice"       // a create of sync's own that arrived twice
	ColleaguesOwn    = "colleagues_event" // a copy of a colleague's meeting, in a calendar that was there before
	KeptApart        = "left_out"         // its person said that it stays in Outlook alone
)

// Step is one decision: what to do with one record, and why.
type Step struct {
	Item
	Verb Verb
	Why  string // one of the reasons above, or of Skip a fault.Reason
	// ToCRM and ToMicrosoft are the fields to write there, with their new values.
	ToCRM, ToMicrosoft record.Fields
	// Base is what both sides agree on, in normal form, without the fields that are yet to be written.
	Base record.Fields
	// Half is what they agree on, of fields that are written to both, when the CRM has been written and Microsoft has not.
	Half record.Fields
	// Told is what they agree on, beside what is written, once Microsoft has been written: the times of a series, of which
	// Microsoft is yet to be told again what was done to its occurrences.
	Told record.Fields
	// Apart is what the base is to say of fields in which the sides differ once the step is done: see apart.go.
	Apart record.Fields
	Lost  []Loss
	// Admits says that the record was imported and takes part from now on: it was found to be an item that its owner has.
	Admits bool
	// Ask is what a person is to be asked about the pair once the step is done; nil: nothing.
	Ask *Ask
	// Blind says that the picture at Microsoft could not be looked at: that is to be done soon, and what became of it waits.
	Blind bool
}

// Plan decides about each item by itself and in the same order. It is pure and total: every item gets a step.
func Plan(rules Rules, items []Item) []Step {
	steps := make([]Step, len(items))
	for i, item := range items {
		steps[i] = plan(rules, item)
		steps[i].Item = item
		steps[i].fit(rules)
	}
	return steps
}

func plan(rules Rules, item Item) Step {
	if item.Pair == nil {
		return planNew(rules, item)
	}
	switch {
	case item.theirs() == record.Missing || item.Ours != nil && item.Ours.State == record.Missing:
		return Step{Verb: Wait, Why: CannotTell}
	case item.Pair.State == Excluded && item.Pair.Microsoft == "" && item.Theirs == nil:
		return Step{Verb: Skip, Why: string(item.Pair.Reason)}
	case item.Pair.CRM == "": // never reached the CRM
		if item.theirs() != record.Present {
			return Step{Verb: Drop, Why: DeletedMicrosoft}
		}
		return planNew(rules, item)
	case item.Pair.Microsoft == "" && item.Theirs == nil: // never reached Microsoft
		if item.Ours != nil && (item.Ours.State != record.Present || !eligible(rules, item.Ours)) {
			return Step{Verb: Drop, Why: DeletedCRM}
		}
		return planNew(rules, item)
	}
	return planPair(rules, item)
}

// planNew decides about a record that is on one side only.
func planNew(rules Rules, item Item) Step {
	switch {
	case item.Ours != nil && item.Ours.State == record.Present:
		if ok, reason := Eligible(rules.User, rules.Policy, item.Ours.Meta); !ok {
			return Step{Verb: Skip, Why: string(reason)}
		}
		return Step{Verb: CreateMicrosoft, Why: NewInCRM, ToMicrosoft: filled(only(item.Ours.Fields, rules.goes(InMicrosoft)))}
	case item.Theirs != nil && item.Theirs.State == record.Present && rules.Way == mapping.ToMicrosoft:
		return Step{Verb: Leave, Why: OneWayOnly}
	case item.Theirs != nil && item.Theirs.State == record.Present && rules.staysOut(item.Theirs) != "":
		return Step{Verb: Leave, Why: rules.staysOut(item.Theirs)}
	case item.Theirs != nil && item.Theirs.State == record.Present:
		return Step{
			Verb: CreateCRM, Why: NewInMicrosoft, ToCRM: filled(only(item.Theirs.Fields, rules.newInCRM())),
			Blind: rules.unseen(rules.goes(InCRM), item.Theirs.Fields),
		}
	}
	return Step{Verb: Skip, Why: DeletedBoth}
}

// planPair decides about a record that is, or was, on both sides.
func planPair(rules Rules, item Item) Step {
	theirsEdited := item.Theirs != nil && item.theirs() == record.Present && item.Pair.Ask.edited(rules, item)
	switch ours, theirs := item.ours(rules), item.theirs(); {
	case theirs == record.Left:
		return Step{Verb: Unlink, Why: MovedOutOf}
	case ours != record.Present && theirs == record.Gone:
		return Step{Verb: Drop, Why: DeletedBoth}
	case ours != record.Present && item.Pair.Ask.stays():
		return Step{Verb: Leave, Why: KeptApart}
	case ours == record.Left && (rules.Way == mapping.ToCRM || rules.Way == mapping.ToMicrosoft && len(item.Pair.Base) == 0):
		return Step{Verb: Leave, Why: OwnerChanged}
	case ours == record.Left && len(item.Pair.Base) == 0: // a person said no to its deletion: a record of its own
		return Step{Verb: CreateCRM, Why: NewInMicrosoft, ToCRM: filled(only(item.Theirs.Fields, rules.newInCRM()))}
	case ours == record.Left: // somebody else's now: what its former owner typed meanwhile stays in the history
		return Step{Verb: DeleteMicrosoft, Why: OwnerChanged, Lost: typed(rules, item, rules.Fields)}
	case ours == record.Gone && rules.Way == mapping.ToCRM:
		return Step{Verb: RestoreCRM, Why: OneWayOnly, ToCRM: named(item, only(values(item.Theirs), rules.goes(InCRM)))}
	case ours == record.Gone && rules.Way == mapping.ToMicrosoft && len(item.Pair.Base) == 0: // a person said no: it stays in Outlook
		return Step{Verb: Leave, Why: OneWayOnly}
	case ours == record.Gone && theirsEdited:
		return Step{Verb: RestoreCRM, Why: EditBeatsDelete, ToCRM: named(item, only(item.Theirs.Fields, rules.goes(InCRM)))}
	case ours == record.Gone: // what was typed where it would not have counted is no reason to keep the record
		return Step{Verb: DeleteMicrosoft, Why: DeletedCRM, Lost: typed(rules, item, rules.goes(InMicrosoft))}
	case theirs == record.Gone && rules.Way == mapping.ToMicrosoft && item.Ours != nil:
		return Step{Verb: CreateMicrosoft, Why: OneWayOnly, ToMicrosoft: filled(only(item.Ours.Fields, rules.goes(InMicrosoft)))}
	case theirs == record.Gone && rules.Way == mapping.ToCRM && len(item.Pair.Base) == 0: // a person said no: the CRM keeps it
		return Step{Verb: Drop, Why: OneWayOnly}
	case theirs == record.Gone && item.Ours != nil && item.Pair.State != Synced && len(item.Pair.Base) == 0 && rules.mayAdmit(item.Ours):
		return Step{Verb: Drop, Why: DeletedMicrosoft} // it was found in Outlook, and is not let in yet
	case theirs == record.Gone && item.Ours != nil && (rules.Way != mapping.ToCRM && item.restored() ||
		edited(rules, heldInCRM(item.Pair.Base), item.Ours, rules.goes(InMicrosoft))):
		return Step{Verb: CreateMicrosoft, Why: EditBeatsDelete, ToMicrosoft: filled(only(item.Ours.Fields, rules.goes(InMicrosoft)))}
	case theirs == record.Gone:
		return Step{Verb: DeleteCRM, Why: DeletedMicrosoft}
	}
	return merge(rules, item)
}

// theirs is the state at Microsoft.
func (i Item) theirs() record.State {
	if i.Theirs == nil {
		return record.Present
	}
	return i.Theirs.State
}

// ours is the state in the CRM as the link's user sees it: a record that belongs to somebody else has Left.
func (i Item) ours(rules Rules) record.State {
	switch {
	case i.Ours == nil:
		return record.Present
	case i.Ours.State == record.Present && i.Ours.Meta.Owner != rules.User && (rules.Heir == 0 || i.Ours.Meta.Owner != rules.Heir):
		return record.Left
	}
	return i.Ours.State
}

func eligible(rules Rules, ours *record.Change) bool {
	ok, _ := Eligible(rules.User, rules.Policy, ours.Meta)
	return ok
}

// takesIn reports whether a record may be what an item is: one that goes nowhere because of the link's direction, or because it is
// in another calendar, still may.
func (r Rules) takesIn(ours *record.Change) bool {
	r.Policy.Direction, r.Policy.Calendar = mapping.BothWays, ours.Meta.KeptIn
	return eligible(r, ours)
}

// mayAdmit reports whether an imported record, which nobody has let into the sync, may be what an item is: found in its owner's
// Outlook, it takes part from then on. A link that leaves alone what is new in Outlook finds none.
func (r Rules) mayAdmit(ours *record.Change) bool {
	if r.Way == mapping.ToMicrosoft || r.takesIn(ours) {
		return false
	}
	r.Policy.AdmitImported = true
	return r.takesIn(ours)
}

// edited reports whether a side's fields, of those named, differ from the base. What the base does not know counts as
// edited if there is something in it: better a record kept than one lost.
func edited(rules Rules, base record.Fields, side *record.Change, fields []record.Field) bool {
	if len(base) == 0 {
		return true
	}
	now := rules.normal(side.Fields)
	return slices.ContainsFunc(fields, func(f record.Field) bool {
		if f == record.Attendees { // an answer to an invitation is no reason to keep the event
			return false
		}
		agreed, known := base[f]
		value, read := now[f]
		return read && value != agreed && (known || value != "false") // an unknown base is ""
	})
}

// named leaves the name to a record that has one, if the item has nothing but a stand-in for it.
func named(item Item, fields record.Fields) record.Fields {
	if _, agreed := item.Pair.Base[record.LastName]; !agreed && values(item.Theirs)[mapping.StandIn] != "" {
		delete(fields, record.FirstName)
		delete(fields, record.LastName)
	}
	return fields
}

// typed are the values at Microsoft, of the fields named, that are not what was agreed on.
func typed(rules Rules, item Item, fields []record.Field) []Loss {
	if item.Theirs == nil || item.theirs() != record.Present || !edited(rules, item.Pair.Base, item.Theirs, fields) {
		return nil
	}
	return losses(fields, InMicrosoft, item.Theirs.Fields, item.Pair.Base, rules.normal(item.Theirs.Fields))
}

// merge holds both sides against the base, unit by unit: a unit is a field, or a group of fields that only make sense
// together. Only one side changed a unit: take that. Both alike, if in another form: nothing. Both differently: the policy
// says who wins, and the values that lost are told; or a person does, and until then the unit stays as it is on both sides.
//
// Of a unit that goes one way the source is right, whoever changed it. But a source that holds nothing is no reason to
// empty what the other side holds, as long as the two have not agreed on anything: see stays.
func merge(rules Rules, item Item) Step {
	base := timed(rules, item.Pair.Base)
	held := heldInCRM(base)
	ours, theirs, told := held, base, base
	if item.Ours != nil {
		ours = rules.normal(only(item.Ours.Fields, rules.Fields))
	}
	if item.Theirs != nil {
		theirs = rules.normal(only(item.Theirs.Fields, rules.Fields))
		told = theirs.Clone()
		rules.asAgreed(theirs, base)
	}
	step := Step{Verb: Adopt, Why: Alike, Base: make(record.Fields, len(base)), ToCRM: record.Fields{}, ToMicrosoft: record.Fields{}}
	step.Blind = item.Theirs != nil && rules.unseen(rules.Fields, told)
	var oursChanged, theirsChanged bool
	for _, unit := range units(rules) {
		oursIs, theirsIs := compare(unit, ours, held), compare(unit, theirs, base)
		sides := compare(unit, ours, theirs)
		if sides == same {
			copyFields(step.Base, ours, unit)
			continue
		}
		copyFields(step.Base, base, unit)
		apart := copyApart(step.Base, base, unit)
		if apart && oursIs == same && theirsIs == same {
			continue // they differ as they did
		}
		if item.Theirs != nil && rules.unseen(unit, theirs) {
			continue // it may have a picture
		}
		if oursIs != same && rules.unseen(unit, told) {
			continue // it may have another one
		}
		if oursIs != same && theirsIs != same && sides == differs && rules.alike(unit, ours, theirs) {
			agreeApart(step.Base, unit, ours, theirs) // each keeps its own form
			continue
		}
		apart = apart && !rules.alike(unit, held, base)
		if theirsIs == unknown && slices.Contains(unit, record.LastName) && values(item.Theirs)[mapping.StandIn] != "" {
			theirs[record.LastName] = ""
		}
		var from Where
		switch way := rules.OneWay[unit[0]]; {
		case way != mapping.BothWays && stays(way, unit, oursIs, theirsIs, ours, theirs):
			continue
		case way == mapping.ToMicrosoft:
			from = InCRM
		case way == mapping.ToCRM:
			from = InMicrosoft
		case oursIs == same:
			from = InMicrosoft
		case theirsIs == same:
			from = InCRM
		default:
			if from = winner(rules.Policy, item, oursIs, theirsIs, unit, ours, theirs); from == "" {
				step.ask(unit, item, ours, theirs)
				continue
			}
		}
		oursChanged, theirsChanged = oursChanged || oursIs != same, theirsChanged || theirsIs != same
		agree(step.Base, unit, ours, theirs)
		if from == InMicrosoft {
			copyChanged(step.ToCRM, side(item.Theirs, base), unit, ours, theirs)
			leaveApart(step.ToCRM, base, unit, theirs, base)
			if loses(oursIs, unit, ours) || (apart || item.Pair.Ask.asksOf(unit)) && !empty(unit, ours) {
				step.Lost = append(step.Lost, losses(unit, InCRM, side(item.Ours, held), ours, theirs)...)
			}
		} else {
			copyFields(step.ToMicrosoft, side(item.Ours, held), unit)
			leaveApart(step.ToMicrosoft, base, unit, ours, held)
			if loses(theirsIs, unit, theirs) || (apart || item.Pair.Ask.asksOf(unit)) && !empty(unit, theirs) {
				step.Lost = append(step.Lost, losses(unit, InMicrosoft, side(item.Theirs, base), ours, theirs)...)
			}
		}
	}
	oursDone, theirsDone := step.mergeSeries(rules, item, base, ours, theirs)
	oursChanged, theirsChanged = oursChanged || oursDone, theirsChanged || theirsDone
	step.Admits = item.Ours != nil && item.Pair.State != Synced && rules.mayAdmit(item.Ours)
	if len(step.ToCRM)+len(step.ToMicrosoft) > 0 || step.Admits {
		step.Verb = Merge
	}
	switch {
	case oursChanged && theirsChanged:
		step.Why = ChangedBoth
	case oursChanged:
		step.Why = ChangedCRM
	case theirsChanged:
		step.Why = ChangedMicrosoft
	}
	return step
}

// timed completes the time of an event in a base from before a field belonged to it: then there was nothing in it.
func timed(rules Rules, base record.Fields) record.Fields {
	if _, known := base[record.Start]; !known || rules.Kind != record.Calendar {
		return base
	}
	out := base
	for _, f := range rules.Fields {
		def, _ := rules.table().Schema().Def(f)
		if _, known := base[f]; !known && def.Group == record.GroupWhen {
			out = out.With(record.Fields{f: ""})
		}
	}
	return out
}

// loses reports whether something is lost with a side's values: not if it had what was agreed on, or nothing that anybody
// knows to be an edit.
func loses(is likeness, unit []record.Field, values record.Fields) bool {
	return is == differs || is == unknown && !empty(unit, values)
}

// stays reports whether a unit that goes one way is left as it is: the source holds nothing, and never has as far as
// anybody knows. Such is what a contact had at Outlook before the mapping, or the record, came to be.
func stays(way mapping.Direction, unit []record.Field, oursIs, theirsIs likeness, ours, theirs record.Fields) bool {
	if oursIs != unknown && theirsIs != unknown {
		return false
	}
	if way == mapping.ToMicrosoft {
		return empty(unit, ours)
	}
	return empty(unit, theirs)
}

// ask puts a unit before a person. What was said of one of its fields before is carried out, not asked: see winner.
func (s *Step) ask(unit []record.Field, item Item, ours, theirs record.Fields) {
	for _, f := range unit {
		if ours[f] != theirs[f] {
			if s.Ask == nil {
				s.Ask = &Ask{Theirs: record.Fields{}}
			}
			s.Ask.Conflicts = append(s.Ask.Conflicts, f)
			s.Ask.Theirs[f] = values(item.Theirs)[f]
		}
	}
}

// units lists the mapped fields by group; a field without a group is a unit of its own. What is done to single occurrences
// is merged by itself (occurrences.go).
func units(rules Rules) [][]record.Field {
	var out [][]record.Field
	at := map[string]int{}
	schema := rules.table().Schema()
	for _, field := range rules.Fields {
		def, _ := schema.Def(field)
		if def.Group == record.GroupSeries {
			continue
		}
		if i, ok := at[def.Group]; ok && def.Group != "" {
			out[i] = append(out[i], field)
			continue
		}
		at[def.Group] = len(out)
		out = append(out, []record.Field{field})
	}
	return out
}

// likeness is how a unit on one side compares with another.
type likeness uint8

const (
	same    likeness = iota
	differs          // at least one field has another value
	unknown          // there is nothing to compare with: newly mapped, or just paired
)

func compare(unit []record.Field, a, b record.Fields) likeness {
	out := same
	for _, f := range unit {
		x, knownA := a[f]
		y, knownB := b[f]
		switch {
		case !knownA || !knownB:
			return unknown
		case x != y:
			out = differs
		}
	}
	return out
}

// winner decides a unit that both sides have changed, or that differs without a base to tell who changed it; "": nobody
// but a person does. What a person has said counts, and for all of the unit. Without a base, a side that has something
// wins over one that has nothing.
func winner(policy Policy, item Item, ours, theirs likeness, unit []record.Field, oursNow, theirsNow record.Fields) Where {
	if item.Pair.Ask != nil {
		for _, f := range unit {
			if side, said := item.Pair.Ask.Taken[f]; said {
				return side
			}
		}
	}
	if ours == unknown || theirs == unknown {
		switch oursEmpty, theirsEmpty := empty(unit, oursNow), empty(unit, theirsNow); {
		case oursEmpty && !theirsEmpty:
			return InMicrosoft
		case theirsEmpty && !oursEmpty:
			return InCRM
		}
		if isCut(unit, oursNow, theirsNow) {
			return InMicrosoft
		}
	}
	switch policy.Winner {
	case MicrosoftWins:
		return InMicrosoft
	case CRMWins:
		return InCRM
	case AskPerson:
		return ""
	}
	if item.edited(InMicrosoft).After(item.edited(InCRM)) {
		return InMicrosoft
	}
	return InCRM
}

// side are a side's fields; of one that was not read, the base, which it holds.
func side(c *record.Change, base record.Fields) record.Fields {
	if c == nil {
		return base
	}
	return c.Fields
}

// values are a side's fields; none when it was not read.
func values(c *record.Change) record.Fields {
	if c == nil {
		return nil
	}
	return c.Fields
}

func empty(unit []record.Field, fields record.Fields) bool {
	return !slices.ContainsFunc(unit, func(f record.Field) bool { return fields[f] != "" && fields[f] != "false" })
}

func losses(unit []record.Field, side Where, values, ours, theirs record.Fields) []Loss {
	var out []Loss
	for _, f := range unit {
		if ours[f] != theirs[f] {
			out = append(out, Loss{Field: f, Side: side, Value: values[f]})
		}
	}
	return out
}

// copyChanged copies those fields of a unit in which the two sides differ. The others keep the CRM's own spelling, such
// as a time zone that Outlook only knows by its Windows name.
func copyChanged(to, from record.Fields, unit []record.Field, ours, theirs record.Fields) {
	for _, f := range unit {
		if v, ok := from[f]; ok && ours[f] != theirs[f] {
			to[f] = v
		}
	}
}

// agree notes in a base those fields of a unit that both sides have alike, though they differ in others: nothing is written of them.
func agree(base record.Fields, unit []record.Field, ours, theirs record.Fields) {
	for _, f := range unit {
		if v, known := ours[f]; known && v == theirs[f] {
			base[f] = v
			delete(base, keyInCRM(f))
		}
	}
}

func copyFields(to, from record.Fields, unit []record.Field) {
	for _, f := range unit {
		if v, ok := from[f]; ok {
			to[f] = v
		}
	}
}

// only keeps the named fields.
func only(fields record.Fields, names []record.Field) record.Fields {
	out := make(record.Fields, len(names))
	copyFields(out, fields, names)
	return out
}

// filled drops empty fields: a new item does not need them said.
func filled(fields record.Fields) record.Fields {
	for f, v := range fields {
		if v == "" {
			delete(fields, f)
		}
	}
	return fields
}
