package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tandem/internal/account"
	"tandem/internal/m365sim"
	"tandem/internal/mapping"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// A move is one thing that happens in a world: a deed of somebody's, or a fault that is ordered. What it draws it draws
// from a seed of its own, so that a story stays what it is when other moves are left out.
type move struct {
	at   time.Duration // from the start of the world
	name string
	seed uint64
	make func(w *world, rng *rand.Rand)
}

// A deed is something that people do.
type deed struct {
	weight int
	name   string
	do     func(w *world, rng *rand.Rand)
}

// deeds are what people do, with how often.
var deeds = []deed{
	{12, "new in the CRM", func(w *world, rng *rand.Rand) { w.newInCRM(rng, "") }},
	{12, "new in Outlook", (*world).newInOutlook},
	{18, "edit in the CRM", (*world).editInCRM},
	{18, "edit in Outlook", (*world).editInOutlook},
	{6, "delete in the CRM", (*world).deleteInCRM},
	{6, "delete in Outlook", (*world).deleteInOutlook},
	{5, "both edit one field", (*world).bothSides},
	{3, "restore from the bin", (*world).restore},
	{3, "give to somebody else", (*world).give},
	{2, "import", func(w *world, rng *rand.Rand) { w.newInCRM(rng, record.Import) }},
	{2, "mass update", (*world).massUpdate},
	{2, "change and take back", (*world).backAgain},
	{2, "version moves by itself", (*world).touch},
	{2, "copy in Outlook", (*world).copyItem},
	{2, "move to another folder", (*world).moveOut},
	{1, "bulk delete", (*world).bulkDelete},
	{1, "switch off", (*world).switchOff},
	{2, "switch on again", func(w *world, rng *rand.Rand) {
		if l := w.anyLink(rng, w.is(reconcile.Off)); l != nil {
			w.switchOn(l.of, l.kind)
		}
	}},
	{2, "change the mapping", (*world).changeMapping},
	{3, "reconnect", func(w *world, rng *rand.Rand) {
		if l := w.anyLink(rng, w.is(reconcile.Paused)); l != nil {
			w.reconnect(l)
		}
	}},
	{3, "answer the brake", func(w *world, rng *rand.Rand) {
		if l := w.anyLink(rng, w.is(reconcile.Held)); l != nil {
			w.answers(l, rng.IntN(4) > 0)
		}
	}},
	{3, "acquaintances", (*world).acquaintances},
	{2, "namesake", (*world).namesake},
	{4, "decide what was asked", func(w *world, rng *rand.Rand) { w.decides(w.anyLink(rng, nil), rng) }},
	{2, "try again", func(w *world, rng *rand.Rand) { w.retries(w.anyLink(rng, nil)) }},
	{1, "pause", (*world).pause},
	{2, "sync now", func(w *world, rng *rand.Rand) { w.enqueueIn(w.anyLink(rng, nil).id, 0) }},
	{1, "audit", func(w *world, rng *rand.Rand) {
		l := w.anyLink(rng, nil)
		w.run(l, w.worker(l), true)
	}},
}

// death is the fault of the menu that kills a process.
var death = menu[slices.IndexFunc(menu, func(k *faultKind) bool { return k.at == "die" })]

// program is what happens in a seed's world.
func program(seed uint64) []move {
	rng := rand.New(rand.NewPCG(seed, 2))
	var faults []*faultKind // a random part of the menu
	if rng.IntN(6) > 0 {
		for _, k := range menu {
			if rng.IntN(3) == 0 {
				faults = append(faults, k)
			}
		}
	}
	rate := rng.IntN(60) // of a hundred moves, how many are faults
	mortal := rng.IntN(3) > 0
	hasty := rng.IntN(3) > 0 // people do things in the midst of runs
	n := 20 + rng.IntN(60)
	if rng.IntN(8) == 0 {
		n += rng.IntN(120)
	}
	var moves []move
	at := time.Duration(0)
	add := func(name string, do func(*world, *rand.Rand)) {
		moves = append(moves, move{at: at, name: name, seed: rng.Uint64(), make: do})
	}
	for range rng.IntN(12) {
		add("new in the CRM", func(w *world, rng *rand.Rand) { w.newInCRM(rng, "") })
	}
	sum := 0
	for _, d := range deeds {
		sum += d.weight
	}
	for range n {
		switch rng.IntN(20) {
		case 0:
			at += time.Duration(rng.Int64N(int64(2 * time.Hour)))
		case 1, 2, 3, 4:
			at += time.Duration(rng.Int64N(int64(30 * time.Second)))
		default:
			at += time.Duration(rng.Int64N(int64(time.Second)))
		}
		if len(faults) > 0 && rng.IntN(100) < rate {
			k := faults[rng.IntN(len(faults))]
			if mortal && rng.IntN(5) == 0 {
				k = death
			}
			add("fault: "+k.name, func(w *world, rng *rand.Rand) {
				w.story = append(w.story, fmt.Sprintf("%s  fault ordered: %s", w.clock.Format("02 15:04:05.000"), k.name))
				w.arm(k, rng)
			})
			continue
		}
		draw := rng.IntN(sum)
		for _, d := range deeds {
			if draw -= d.weight; draw >= 0 {
				continue
			}
			if hasty && rng.IntN(2) == 0 {
				after := steps(rng)
				add(d.name+" amid a run", func(w *world, rng *rand.Rand) { w.amid(after, func() { d.do(w, rng) }) })
			} else {
				add(d.name, d.do)
			}
			break
		}
	}
	return moves
}

// populate makes the people of a seed and switches on what they want.
func (w *world) populate() {
	rng := rand.New(rand.NewPCG(w.config.Seed, 3))
	for i, upn := range upns {
		p := w.enter(upn)
		if i == 2 && rng.IntN(2) == 0 {
			p.way = []mapping.Direction{mapping.ToMicrosoft, mapping.ToCRM}[rng.IntN(2)]
		}
		if i == 0 || rng.IntN(2) == 0 {
			w.switchOn(p, record.Contacts)
		}
		if rng.IntN(3) == 0 {
			w.switchOn(p, record.Calendar)
		}
	}
	if w.series && !slices.ContainsFunc(w.order, func(l *linkState) bool { return l.kind == record.Calendar && l.of.way == mapping.BothWays }) {
		w.switchOn(w.people[0], record.Calendar)
	}
	if rng.IntN(8) == 0 {
		w.behaves(m365sim.Warts{DeltaLag: 45 * time.Second})
	}
	w.newProcess()
}

// enter makes a person.
func (w *world) enter(upn string) *person {
	p := &person{upn: upn, oid: w.sim.Person(upn).ID, wants: map[record.Kind]bool{}}
	if err := w.books.enroll(p); err != nil {
		w.fail("simulation", "%s: %v", upn, err)
	}
	w.people = append(w.people, p)
	w.grants.of[p.id] = w.newGrant(p)
	w.stranger(p)
	return p
}

// orgs are the organizations that people are in.
func (w *world) orgs() (out []record.ID) {
	for _, p := range w.people {
		if !slices.Contains(out, p.org) {
			out = append(out, p.org)
		}
	}
	return out
}

func (w *world) newGrant(p *person) account.Grant {
	scopes := []string{"Calendars.ReadWrite", "Contacts.ReadWrite", "offline_access"}
	return account.Grant{
		Org: p.org, User: p.id, Scopes: scopes, Refresh: account.Secret(w.sim.IssueRefreshToken(p.upn, m365sim.DemoClientID, scopes...)),
	}
}

// plan has the moves of the program that are kept happen when their time comes.
func (w *world) plan(moves []move, keep []int) (end time.Time) {
	end = w.clock
	for i, m := range moves {
		if keep != nil && !slices.Contains(keep, i) {
			continue
		}
		at := start.Add(m.at)
		end = at
		w.in(at.Sub(w.clock), func() {
			if w.failure != nil {
				return
			}
			w.note("move %d: %s", i, m.name)
			w.stats.Moves++
			m.make(w, rand.New(rand.NewPCG(m.seed, 4)))
		})
	}
	return end
}
