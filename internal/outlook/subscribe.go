package outlook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/fault"
	"tandem/internal/graph"
	"tandem/internal/reconcile"
	"tandem/internal/record"
)

// subscriptionLife is what is asked for; sources differ about the longest life that is granted, and the least of them
// is 4,230 minutes (reference §6). What the answer says counts.
const subscriptionLife = 4200 * time.Minute

// Subscribe asks for change notifications of the link's container, or renews the subscription that the link has, which
// also satisfies Graph when it wants one reauthorized. It returns id and end. Without a HookURL there is none, and no
// fault: such a server polls.
func (c *Containers) Subscribe(ctx context.Context, link *reconcile.Link) (id string, ends time.Time, err error) {
	defer fault.Wrap(&err, "outlook: subscribe to %s", link.Kind)
	if c.HookURL == "" || link.Container == "" {
		return "", time.Time{}, nil
	}
	box, err := c.Mailbox(ctx, link)
	if err != nil {
		return "", time.Time{}, err
	}
	until := c.Now().Add(subscriptionLife).UTC().Format(time.RFC3339)
	if link.Subscription != "" {
		var body graph.Object
		body.String("expirationDateTime", until)
		sub, _, err := graph.One[graph.Subscription](ctx, box, graph.Part{
			Method: http.MethodPatch, Path: "/subscriptions/" + link.Subscription, Body: body.JSON(), Repeatable: true,
		})
		if err == nil {
			return sub.ID, sub.ExpirationDateTime.UTC(), nil
		}
		if !fault.Is(err, fault.NotFound) && fault.ReasonOf(err) != fault.MailboxUnavailable { // ResourceNotFound is what a lost one answers
			return "", time.Time{}, err
		}
	}
	resource := "users/" + box.ID() + "/calendars/" + string(link.Container) + "/events"
	if link.Kind == record.Contacts {
		resource = "users/" + box.ID() + "/contactFolders/" + string(link.Container) + "/contacts"
	}
	var body graph.Object
	body.String("changeType", "created,updated,deleted")
	body.String("notificationUrl", c.HookURL)
	body.String("lifecycleNotificationUrl", c.HookURL)
	body.String("resource", resource)
	body.String("expirationDateTime", until)
	body.String("clientState", c.Seal.State(link.ID))
	sub, _, err := graph.One[graph.Subscription](ctx, box, graph.Part{Method: http.MethodPost, Path: "/subscriptions", Body: body.JSON()})
	return sub.ID, sub.ExpirationDateTime.UTC(), err
}

// Unsubscribe ends the link's subscription; it is no fault if there is none.
func (c *Containers) Unsubscribe(ctx context.Context, link *reconcile.Link) (err error) {
	defer fault.Wrap(&err, "outlook: unsubscribe from %s", link.Kind)
	if link.Subscription == "" {
		return nil
	}
	box, err := c.Mailbox(ctx, link)
	if err != nil {
		return err
	}
	_, err = box.Do(ctx, graph.Part{Method: http.MethodDelete, Path: "/subscriptions/" + link.Subscription, Repeatable: true})
	if fault.Is(err, fault.NotFound) || fault.ReasonOf(err) == fault.MailboxUnavailable {
		return nil
	}
	return err
}

// A Seal writes and reads the client state of subscriptions: the link's number with a code that only we can make. What
// arrives at the webhook without it was not sent by Graph on our behalf.
type Seal struct{ key []byte }

// NewSeal makes a Seal out of the server's secret.
func NewSeal(secret []byte) *Seal {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("tandem: client state of subscriptions"))
	return &Seal{mac.Sum(nil)}
}

// State is the client state for a link's subscription: below the 128 characters that Graph keeps.
func (s *Seal) State(link reconcile.LinkID) string {
	n := strconv.FormatInt(int64(link), 10)
	return n + "." + base64.RawURLEncoding.EncodeToString(s.code(n))
}

func (s *Seal) code(n string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(n))
	return mac.Sum(nil)
}

// Link reads a client state; false: it is not ours.
func (s *Seal) Link(state string) (reconcile.LinkID, bool) {
	n, code, ok := strings.Cut(state, ".")
	if !ok || len(state) > 128 {
		return 0, false
	}
	got, err := base64.RawURLEncoding.DecodeString(code)
	if err != nil || !hmac.Equal(got, s.code(n)) {
		return 0, false
	}
	id, err := strconv.ParseInt(n, 10, 64)
	return reconcile.LinkID(id), err == nil
}
