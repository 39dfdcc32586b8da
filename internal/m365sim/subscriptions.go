package m365sim

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// A subscription is a wish to hear of changes (fact sheet §6). Its fields are guarded by the notifier's lock.
type subscription struct {
	id           string
	app          string
	tenantID     string
	person       string // oid of whose mailbox it watches
	resource     string // as asked
	changeTypes  string // as asked
	url          string
	lifecycleURL string
	state        string
	expires      time.Time
	immutable    bool
	kind         folderKind
	folder       uint32 // number; 0: the default one
	box          *mailbox
	paused       bool // until it is reauthorized

	queue   []notice
	working bool // somebody is delivering
}

// Limits of §6.
const (
	maxState         = 128
	maxSubscriptions = 1000 // of one mailbox
	minLife          = 45 * time.Minute
	validationLimit  = 10 * time.Second
)

const (
	changeCreated = "created"
	changeUpdated = "updated"
	changeDeleted = "deleted"
)

func (s *subscription) wants(changeType string) bool {
	for one := range strings.SplitSeq(s.changeTypes, ",") {
		if strings.EqualFold(strings.TrimSpace(one), changeType) {
			return true
		}
	}
	return false
}

func (s *subscription) append(b []byte) []byte {
	b = appendTextMember(b, "id", s.id)
	b = appendTextMember(b, "resource", s.resource)
	b = appendTextMember(b, "applicationId", s.app)
	b = appendTextMember(b, "changeType", s.changeTypes)
	b = appendRawMember(b, "clientState", textOrNull(s.state))
	b = appendTextMember(b, "notificationUrl", s.url)
	b = appendRawMember(b, "lifecycleNotificationUrl", textOrNull(s.lifecycleURL))
	b = appendInstant(appendKey(b, "expirationDateTime"), s.expires)
	b = appendTextMember(b, "creatorId", s.person)
	b = appendRawMember(b, "includeResourceData", "null")
	return appendTextMember(b, "latestSupportedTlsVersion", "v1_2")
}

func textOrNull(text string) string {
	if text == "" {
		return "null"
	}
	return quoted(text)
}

// newSubscriptionRows are the members that a POST may have.
var newSubscriptionRows = []string{"changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime",
	"clientState", "latestSupportedTlsVersion", "includeResourceData"}

func (c *call) postSubscription() *graphError {
	v, err := c.object(newSubscriptionRows...)
	if err != nil {
		return err
	}
	sub := &subscription{
		app: c.grant.appID, tenantID: c.grant.tenantID, immutable: c.prefer.immutable,
		resource: v.Get("resource").Str, changeTypes: v.Get("changeType").Str, state: v.Get("clientState").Str,
		url: v.Get("notificationUrl").Str, lifecycleURL: v.Get("lifecycleNotificationUrl").Str,
	}
	for _, name := range []string{"changeType", "notificationUrl", "resource", "expirationDateTime"} {
		if v.Get(name).Str == "" {
			return badRequest("InvalidRequest", "'"+name+"' is a required property.")
		}
	}
	for one := range strings.SplitSeq(sub.changeTypes, ",") {
		if !slices.Contains([]string{changeCreated, changeUpdated, changeDeleted}, strings.ToLower(strings.TrimSpace(one))) {
			return badRequest("InvalidRequest", "'"+one+"' is no changeType.")
		}
	}
	if len(sub.state) > maxState {
		return badRequest("InvalidRequest", "clientState must not be longer than 128 characters.")
	}
	if v.Get("includeResourceData").Bool() {
		return newGraphError(http.StatusNotImplemented, "NotImplemented", "The simulator does not model notifications with resource data.")
	}
	if err := c.resolve(sub); err != nil {
		return err
	}
	if sub.expires, err = c.lifetime(v.Get("expirationDateTime").Str); err != nil {
		return err
	}
	n := c.s.notifier
	for _, address := range []string{sub.url, sub.lifecycleURL} {
		if address == "" || address == sub.lifecycleURL && sub.lifecycleURL == sub.url {
			continue
		}
		if err := n.validate(c.ctx, address); err != nil {
			return err
		}
	}
	if sub.url == sub.lifecycleURL {
		if err := n.validate(c.ctx, sub.url); err != nil {
			return err
		}
	}
	if !n.enter(sub) {
		return newGraphError(http.StatusForbidden, "ExtensionError", "Operation: Create; Exception: the mailbox has reached its maximum of 1000 active subscriptions.")
	}
	c.created()
	c.showSubscription(sub)
	return nil
}

// object reads a body that is a JSON object with no members but these.
func (c *call) object(members ...string) (gjson.Result, *graphError) {
	if !gjson.Valid(c.body) || !gjson.Parse(c.body).IsObject() {
		return gjson.Result{}, badRequest("BadRequest", "Unable to read JSON request payload.")
	}
	v := gjson.Parse(c.body)
	var err *graphError
	v.ForEach(func(key, _ gjson.Result) bool {
		if !slices.Contains(members, key.Str) && !strings.Contains(key.Str, "@") {
			err = badRequest("RequestBodyRead", "The property '"+key.Str+"' is not one that can be given here.")
		}
		return err == nil
	})
	return v, err
}

// resolve finds what a resource string names. Of the signed-in user's own mailbox only; the default folder when
// none is named, as users report; a single item is refused (§6).
func (c *call) resolve(sub *subscription) *graphError {
	path := "/" + strings.TrimPrefix(sub.resource, "/")
	path, _, _ = strings.Cut(path, "?")
	person := c.person
	if own, rest, ok := c.ownPath(path); ok {
		if !own {
			return errAccessDenied
		}
		person, path = c.person, rest
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] != "me" || person == nil {
		return newGraphError(http.StatusNotImplemented, "NotImplemented", "The simulator does not model subscriptions to '"+sub.resource+"'.")
	}
	var id string
	for i := range parts {
		if plain, err := url.PathUnescape(parts[i]); err == nil {
			parts[i] = plain
		}
	}
	switch {
	case slices.Equal(parts, []string{"me", "events"}), slices.Equal(parts, []string{"me", "calendar", "events"}):
		sub.kind = calendarFolder
	case len(parts) == 4 && parts[1] == "calendars" && parts[3] == "events":
		if c.s.warts.Load().RefuseCalendarSubscriptions {
			return unsupportedResource(sub.resource)
		}
		sub.kind, id = calendarFolder, parts[2]
	case slices.Equal(parts, []string{"me", "contacts"}):
		sub.kind = contactFolder
	case len(parts) == 4 && parts[1] == "contactFolders" && parts[3] == "contacts":
		sub.kind, id = contactFolder, parts[2]
	default:
		return unsupportedResource(sub.resource)
	}
	scopes := readCalendars
	if sub.kind == contactFolder {
		scopes = readContacts
	}
	if !slices.ContainsFunc(scopes, c.grant.has) {
		return errAccessDenied
	}
	box := c.s.mailboxOf(person.ID)
	if box == nil || !box.enabled.Load() {
		return errNoMailbox
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	f, err := box.folder(id, sub.kind, false)
	if err != nil {
		return err
	}
	sub.box, sub.person, sub.folder = box, person.ID, f.n
	return nil
}

func unsupportedResource(resource string) *graphError {
	return badRequest("ExtensionError", "Operation: Create; Exception: The subscription resource '"+resource+"' is not supported.")
}

// lifetime bounds an expiration: what is too soon is moved out, what is too far is refused (§6).
func (c *call) lifetime(text string) (time.Time, *graphError) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, badRequest("InvalidRequest", "expirationDateTime is no time.")
	}
	now := c.s.now()
	most := c.s.warts.Load().maxSubscription()
	if at.After(now.Add(most + time.Minute)) {
		return at, badRequest("ExtensionError", "Subscription expiration can only be "+strconv.Itoa(int(most/time.Minute))+" minutes in the future.")
	}
	if soonest := now.Add(minLife); at.Before(soonest) {
		return soonest, nil
	}
	return at.UTC(), nil
}

// validate performs the handshake: the token must come back as plain text within ten seconds.
func (n *notifier) validate(ctx context.Context, address string) *graphError {
	refuse := func(why string) *graphError {
		return badRequest("ValidationError", "Subscription validation request failed. "+why)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return refuse("The notification URL is not valid.")
	}
	ctx, cancel := context.WithTimeout(ctx, validationLimit)
	defer cancel()
	const token = "Validation: Testing client application reachability for subscription Request-Id: "
	want := token + n.s.requestID()
	q := u.Query()
	q.Set("validationToken", want)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return refuse("The notification URL is not valid.")
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := n.client.Do(req)
	if ctx.Err() != nil {
		return badRequest("ValidationError", "Subscription validation request timed out.")
	}
	if err != nil {
		return refuse("The notification endpoint cannot be reached.")
	}
	defer resp.Body.Close()
	const enough = 4096
	got, _ := io.ReadAll(io.LimitReader(resp.Body, enough))
	if resp.StatusCode != http.StatusOK {
		return refuse("Notification endpoint must respond with 200 OK to validation request.")
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") || string(got) != want {
		return refuse("Must respond with the validation token as text/plain.")
	}
	return nil
}

func (c *call) showSubscription(sub *subscription) {
	c.out = append(sub.append(c.context(c.out, "subscriptions/$entity")), '}')
}

func (c *call) listSubscriptions() *graphError {
	n := c.s.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	b := append(c.context(c.out, "subscriptions"), `,"value":[`...)
	for i, sub := range n.ofApp(c.grant) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(sub.append(append(b, '{')), '}')
	}
	c.out = append(b, ']', '}')
	return nil
}

var errNoSubscription = newGraphError(http.StatusNotFound, "ResourceNotFound", "The object was not found.")

// withSubscription calls do with the app's subscription that the path names, under the notifier's lock.
func (c *call) withSubscription(do func(*subscription) *graphError) *graphError {
	n := c.s.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, sub := range n.ofApp(c.grant) {
		if sub.id == c.id(0) {
			return do(sub)
		}
	}
	return errNoSubscription
}

func (c *call) getSubscription() *graphError {
	return c.withSubscription(func(sub *subscription) *graphError {
		c.showSubscription(sub)
		return nil
	})
}

func (c *call) patchSubscription() *graphError {
	v, err := c.object("expirationDateTime", "notificationUrl")
	if err != nil {
		return err
	}
	expires, err := c.lifetime(v.Get("expirationDateTime").Str)
	if err != nil {
		return err
	}
	address := v.Get("notificationUrl").Str
	if address != "" {
		if err := c.s.notifier.validate(c.ctx, address); err != nil {
			return err
		}
	}
	return c.withSubscription(func(sub *subscription) *graphError {
		sub.expires, sub.paused = expires, false
		if address != "" {
			sub.url = address
		}
		c.s.notifier.wake(sub)
		c.showSubscription(sub)
		return nil
	})
}

func (c *call) deleteSubscription() *graphError {
	return c.withSubscription(func(sub *subscription) *graphError {
		c.s.notifier.drop(sub)
		c.noContent()
		return nil
	})
}

func (c *call) reauthorizeSubscription() *graphError {
	return c.withSubscription(func(sub *subscription) *graphError {
		sub.paused = false
		c.s.notifier.wake(sub)
		c.noContent()
		return nil
	})
}
