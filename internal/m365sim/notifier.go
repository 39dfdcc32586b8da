package m365sim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A notice is one change that a subscription is to hear of.
type notice struct {
	changeType string
	lifecycle  string // instead of a change
	n          uint32
	place      uint16
	change     uint64
}

// A notifier keeps the subscriptions and carries notices to their addresses (fact sheet §6). Each subscription
// with something to tell has one goroutine, which ends when its queue is empty; stop ends and awaits them all.
type notifier struct {
	s      *Sim
	client *http.Client
	delay  time.Duration
	retry  time.Duration
	hand   func(address string, body []byte) // takes what would be posted; nil: it is posted

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	byPerson map[string][]*subscription // by oid
	count    DeliveryCount
}

// DeliveryCount says how change notifications fared.
type DeliveryCount struct {
	Posts  int `json:"posts"`  // requests sent, repeats included
	Values int `json:"values"` // notifications that were accepted
	Failed int `json:"failed"` // requests that were not answered 2xx
	Lost   int `json:"lost"`   // notifications given up
}

// patience is how long a notification is offered before it is dropped (§6).
const patience = 4 * time.Hour

func newNotifier(s *Sim, o Options) *notifier {
	n := &notifier{s: s, client: o.NotifyClient, delay: o.NotifyDelay, retry: o.NotifyRetry, hand: o.Post, byPerson: map[string][]*subscription{}}
	if n.client == nil {
		n.client = &http.Client{Timeout: validationLimit}
	}
	if n.delay == 0 {
		n.delay = 5 * time.Millisecond
	}
	if n.retry == 0 {
		n.retry = time.Second
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

func (n *notifier) stop() {
	n.cancel()
	n.wg.Wait()
}

// enter adds a subscription unless its mailbox is full of them.
func (n *notifier) enter(sub *subscription) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.of(sub.person)) >= maxSubscriptions {
		return false
	}
	sub.id = guid("subscription", sub.person, n.s.requestID())
	n.byPerson[sub.person] = append(n.byPerson[sub.person], sub)
	sub.box.listeners.Add(1)
	return true
}

// of lists the live subscriptions to a person's mailbox; what has expired is dropped. The caller holds mu.
func (n *notifier) of(person string) []*subscription {
	now := n.s.now()
	for _, sub := range slices.Clone(n.byPerson[person]) {
		if !sub.expires.After(now) {
			n.drop(sub)
		}
	}
	return n.byPerson[person]
}

// drop ends a subscription. The caller holds mu.
func (n *notifier) drop(sub *subscription) {
	list := n.byPerson[sub.person]
	if i := slices.Index(list, sub); i >= 0 {
		n.byPerson[sub.person] = slices.Concat(list[:i], list[i+1:])
		sub.box.listeners.Add(-1)
		sub.queue = nil
	}
}

// clear ends all subscriptions.
func (n *notifier) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, list := range n.byPerson {
		for _, sub := range list {
			n.drop(sub)
		}
	}
	n.count = DeliveryCount{}
}

// ofApp lists an app's live subscriptions of one person, or with an app-only token of the tenant. The caller holds mu.
func (n *notifier) ofApp(g *grant) []*subscription {
	people := []string{g.oid}
	if g.oid == "" {
		people = sortedKeys(n.byPerson)
	}
	var list []*subscription
	for _, person := range people {
		for _, sub := range n.of(person) {
			if sub.app == g.appID && sub.tenantID == g.tenantID {
				list = append(list, sub)
			}
		}
	}
	return list
}

// announce tells watchers and subscriptions of a change. It is called without the mailbox's lock.
func (box *mailbox) announce(it *item, changeType string) {
	box.changed()
	if box.listeners.Load() == 0 {
		return
	}
	n := box.sim.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, sub := range n.of(box.owner.Load().ID) {
		if sub.box == box && sub.kind == it.folder.kind && sub.folder == it.folder.n && sub.wants(changeType) {
			sub.queue = append(sub.queue, notice{changeType: changeType, n: it.n, place: it.place, change: it.change})
			n.wake(sub)
		}
	}
}

// wake sees to it that somebody delivers. The caller holds mu.
func (n *notifier) wake(sub *subscription) {
	if sub.working || sub.paused || len(sub.queue) == 0 || n.ctx.Err() != nil {
		return
	}
	if n.hand != nil {
		address, body := sub.compose(sub.queue)
		sub.queue = nil
		n.count.Posts++
		n.hand(address, body)
		return
	}
	sub.working = true
	n.wg.Add(1)
	go n.deliver(sub)
}

// maxValues bounds one POST, so that a flood of changes does not become one huge body.
const maxValues = 200

func (n *notifier) deliver(sub *subscription) {
	defer n.wg.Done()
	pause, since := time.Duration(0), time.Now()
	for {
		if !n.sleep(max(n.delay, pause)) {
			return
		}
		n.mu.Lock()
		batch := slices.Clone(sub.queue[:min(len(sub.queue), maxValues)])
		if len(batch) == 0 || sub.paused && batch[0].lifecycle == "" {
			sub.working = false
			n.mu.Unlock()
			return
		}
		address, body := sub.compose(batch)
		n.mu.Unlock()

		ok := n.post(address, body)

		n.mu.Lock()
		n.count.Posts++
		switch {
		case ok:
			n.count.Values += len(batch)
			pause, since = 0, time.Now()
		case time.Since(since) > patience:
			n.count.Lost += len(batch)
			pause, since = 0, time.Now()
			ok = true
		default:
			n.count.Failed++
			pause = max(2*pause, n.retry)
		}
		if ok && len(sub.queue) >= len(batch) { // a dropped subscription has no queue any more
			sub.queue = sub.queue[len(batch):]
		}
		n.mu.Unlock()
	}
}

func (n *notifier) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// compose writes notices as one request. Notices of the life cycle go to their own address, alone.
func (sub *subscription) compose(batch []notice) (address string, body []byte) {
	b := append(make([]byte, 0, 512*len(batch)), `{"value":[`...)
	if batch[0].lifecycle != "" {
		b = append(sub.appendHead(append(b, '{')), ',')
		b = append(b, `"lifecycleEvent":`...)
		b = append(appendString(b, batch[0].lifecycle), `}]}`...)
		return sub.lifecycleURL, b
	}
	word, typeName := "Events", "#Microsoft.Graph.Event"
	if sub.kind == contactFolder {
		word, typeName = "Contacts", "#Microsoft.Graph.Contact"
	}
	for i, note := range batch {
		if note.lifecycle != "" {
			continue
		}
		if i > 0 {
			b = append(b, ',')
		}
		r := ref{kind: idItem, immutable: sub.immutable, n: note.n, place: note.place}
		if sub.immutable {
			r.place = 0
		}
		id := sub.box.ids.write(r)
		resource := "Users/" + sub.person + "/" + word + "/" + id
		b = sub.appendHead(append(b, '{'))
		b = appendTextMember(b, "changeType", note.changeType)
		b = appendTextMember(b, "resource", resource)
		b = append(b, `,"resourceData":{`...)
		b = appendTextMember(b, "@odata.type", typeName)
		b = appendTextMember(b, "@odata.id", resource)
		b = appendTextMember(b, "@odata.etag", etag(note.change))
		b = append(appendTextMember(b, "id", id), '}', '}')
	}
	return sub.url, append(b, `]}`...)
}

func (sub *subscription) appendHead(b []byte) []byte {
	b = appendTextMember(b, "subscriptionId", sub.id)
	b = appendInstant(appendKey(b, "subscriptionExpirationDateTime"), sub.expires)
	b = appendRawMember(b, "clientState", textOrNull(sub.state))
	return appendTextMember(b, "tenantId", sub.tenantID)
}

func (n *notifier) post(address string, body []byte) bool {
	req, err := http.NewRequestWithContext(n.ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := n.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	const enough = 64 << 10 // the connection is used again when the answer was read
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, enough))
	return resp.StatusCode/100 == 2
}

// Lifecycle sends a life-cycle notification (fact sheet §6) for every subscription that watches a person's
// mailbox and has an address for it: reauthorizationRequired stops deliveries until the app reauthorizes,
// subscriptionRemoved ends the subscription, missed only says so. It returns how many were concerned.
func (s *Sim) Lifecycle(upn, event string) int {
	p := s.Person(upn)
	if p == nil {
		return 0
	}
	n := s.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	concerned := 0
	for _, sub := range slices.Clone(n.of(p.ID)) {
		concerned++
		last := *sub // delivers even though the subscription itself may be gone
		last.queue = []notice{{lifecycle: event}}
		last.working, last.paused = false, false
		switch event {
		case "reauthorizationRequired":
			sub.paused = true
		case "subscriptionRemoved":
			n.drop(sub)
		}
		if last.lifecycleURL != "" {
			n.wake(&last)
		}
	}
	return concerned
}

// DropSubscriptions ends every subscription to a person's mailbox without a word, as happens after a change of
// password (FIELD-FAILURES 81).
func (s *Sim) DropSubscriptions(upn string) int {
	p := s.Person(upn)
	if p == nil {
		return 0
	}
	n := s.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	all := slices.Clone(n.of(p.ID))
	for _, sub := range all {
		n.drop(sub)
	}
	return len(all)
}

// Undelivered is how many notifications are on their way: not answered yet, or to be sent again. What waits for a
// subscription to be reauthorized is not on its way.
func (s *Sim) Undelivered() (n int) {
	s.notifier.mu.Lock()
	defer s.notifier.mu.Unlock()
	for _, list := range s.notifier.byPerson {
		for _, sub := range list {
			if !sub.paused {
				n += len(sub.queue)
			}
		}
	}
	return n
}

// Deliveries says how notifications fared so far.
func (s *Sim) Deliveries() DeliveryCount {
	s.notifier.mu.Lock()
	defer s.notifier.mu.Unlock()
	return s.notifier.count
}
