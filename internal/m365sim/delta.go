package m365sim

// Delta (fact sheet §4): a first round tells everything, each later one what changed since; an item that changed
// comes whole, one that left as @removed. A round is pages with a nextLink and a last one with the deltaLink.

// round reads where a delta request stands. fresh is the state of a first call.
func (c *call) round(o *options, fresh token) (token, *graphError) {
	text := o.deltaToken
	if text == "" {
		text = o.skipToken
	}
	if text == "" {
		fresh.kind, fresh.first = tokenRound, true
		fresh.empty = c.s.warts.Load().EmptyPages
		return fresh, nil
	}
	t, err := c.openToken(text, tokenRound, tokenDelta)
	if err != nil {
		return t, err
	}
	if t.folder != fresh.folder {
		return t, errSyncState
	}
	return t, nil
}

// deltaPage is how many items a page of a delta has: what Prefer asked for; $top is not heard.
func (c *call) deltaPage() int {
	size := defaultTop
	if c.prefer.pageSize > 0 {
		size = c.prefer.pageSize
	}
	if most := c.s.warts.Load().MaxPage; most > 0 {
		size = min(size, most)
	}
	return size
}

// deltaLink appends the link of the next page or of the next round, which holds nothing but its token.
func (c *call) deltaLink(b []byte, name string, t token) []byte {
	option := "$skiptoken"
	if t.kind == tokenDelta {
		option = "$deltatoken"
	}
	return appendTextMember(b, name, c.link(query{{option, c.sealToken(t)}}))
}

func (c *call) endRound(b []byte, t token, more bool) {
	b = append(b, ']')
	if more {
		t.kind = tokenRound
		b = c.deltaLink(b, "@odata.nextLink", t)
	} else {
		t.kind, t.first, t.offset = tokenDelta, false, 0
		b = c.deltaLink(b, "@odata.deltaLink", t)
	}
	c.out = append(b, '}')
}

func (c *call) appendRemoved(b []byte, n uint32, place uint16) []byte {
	r := ref{kind: idItem, immutable: c.prefer.immutable, n: n, place: place}
	if r.immutable {
		r.place = 0
	}
	b = append(b, `{"id":"`...)
	b = c.box.ids.append(b, r)
	return append(b, `","@removed":{"reason":"deleted"}}`...)
}

func (c *call) contactsDelta() *graphError {
	o, err := c.options(contactSchema)
	if err != nil {
		return err
	}
	if o.filter != nil || len(o.order) > 0 || o.search != "" || len(o.extended) > 0 {
		return badRequest("ErrorInvalidUrlQuery", "The following parameters are not supported with change tracking over the 'Contacts' resource: '$orderby, $filter, $expand, $search'.")
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, _, err := c.contactsFolder()
	if err != nil {
		return err
	}
	t, err := c.round(&o, token{folder: f.n, chosen: o.chosen})
	if err != nil {
		return err
	}
	v := c.view(&o)
	v.chosen = t.chosen
	b := append(c.context(c.out, "contacts"), `,"value":[`...)
	left, first := c.deltaPage(), true
	if t.empty {
		c.endRound(b, t, true)
		return nil
	}
	told := f.log.after(t.position)
	lag := c.s.warts.Load().DeltaLag
	if lag > 0 {
		told = f.log.until(told, c.s.now().Add(-lag))
	}
	for _, e := range told {
		it, ok := e.current(c.box, f)
		if !ok || it == nil && t.first {
			continue
		}
		if left == 0 {
			c.endRound(b, t, true)
			return nil
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if it == nil {
			b = c.appendRemoved(b, e.n, e.place)
		} else {
			b = contactSchema.appendItem(append(b, `{"@odata.type":"#microsoft.graph.contact"`...), it, v, true)
		}
		left--
		t.position = e.change
	}
	switch {
	case lag == 0:
		t.position = f.log.end(c.box.changes, c.s.warts.Load().Replays)
	case len(told) > 0:
		t.position = told[len(told)-1].change
	}
	c.endRound(b, t, false)
	return nil
}

// calendarViewDelta: the window is frozen in the token, and @removed also means "no longer in it" (§0.2, §0.3).
func (c *call) calendarViewDelta() *graphError {
	o, err := c.options(eventSchema)
	if err != nil {
		return err
	}
	if o.chosen != 0 || o.filter != nil || len(o.order) > 0 || o.search != "" || len(o.extended) > 0 || o.exceptions {
		return badRequest("ErrorInvalidUrlQuery", "The following parameters are not supported with change tracking over the 'CalendarView' resource: '$orderby, $filter, $select, $expand, $search'.")
	}
	fresh := token{}
	if o.skipToken == "" && o.deltaToken == "" {
		if fresh.from, fresh.to, err = c.window(); err != nil {
			return err
		}
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	f, _, _, err := c.calendar()
	if err != nil {
		return err
	}
	fresh.folder = f.n
	t, err := c.round(&o, fresh)
	if err != nil {
		return err
	}
	v := c.view(&o)
	bare := *v
	bare.chosen = bareOccurrence
	b := append(c.context(c.out, "calendarView"), `,"value":[`...)
	left, first := c.deltaPage(), true
	if t.empty {
		c.endRound(b, t, true)
		return nil
	}
	for _, e := range f.log.after(t.position) {
		it, ok := e.current(c.box, f)
		if !ok {
			continue
		}
		seen := it.inWindow(t)
		if len(seen) == 0 && t.first {
			continue
		}
		for i := int(t.offset); i < max(len(seen), 1); i++ {
			if left == 0 {
				t.offset = uint32(i)
				c.endRound(b, t, true)
				return nil
			}
			left--
			if !first {
				b = append(b, ',')
			}
			first = false
			switch {
			case len(seen) == 0:
				place := e.place
				if it != nil {
					place = it.place
				}
				b = c.appendRemoved(b, e.n, place)
			case seen[i].eventType() == "occurrence": // bare (§0.4)
				b = eventSchema.appendItem(append(b, `{"@odata.type":"#microsoft.graph.event"`...), seen[i], &bare, true)
			default:
				b = eventSchema.appendItem(append(b, `{"@odata.type":"#microsoft.graph.event"`...), seen[i], v, true)
			}
		}
		t.position, t.offset = e.change, 0
	}
	t.position = f.log.end(c.box.changes, c.s.warts.Load().Replays)
	c.endRound(b, t, false)
	return nil
}

// inWindow is what a delta tells of an event in its window: itself, or a master followed by its occurrences.
func (it *item) inWindow(t token) []*item {
	if it == nil {
		return nil
	}
	seen := it.within(t.from, t.to, nil)
	if it.event.rule != nil && len(seen) > 0 {
		seen = append([]*item{it}, seen...)
	}
	return seen
}

func (c *call) contactFoldersDelta() *graphError {
	o, err := c.options(contactFolderSchema)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	t, err := c.round(&o, token{})
	if err != nil {
		return err
	}
	b := append(c.context(c.out, "contactFolders"), `,"value":[`...)
	first := true
	for _, f := range c.box.folders {
		if f.kind != contactFolder || f.isDefault || f.change <= t.position || t.first && !f.alive() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '{')
		if f.alive() {
			b = c.writeContactFolder(b, f, &options{})
		} else {
			b = appendTextMember(b, "id", c.box.folderID(f))
			b = append(b, `,"@removed":{"reason":"deleted"}`...)
		}
		b = append(b, '}')
	}
	t.position = c.box.changes
	c.endRound(b, t, false)
	return nil
}
