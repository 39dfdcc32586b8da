package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"net/url"
	"time"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/mail"
	"tandem/internal/record"
)

// postman sends the letters that accounts owe: a jobs.Postman. A letter is written when it leaves, in the words and to the
// address that its reader has by then, and not at all if nobody needs it any more.
//
// A process that is killed after the mail server has said yes and before that is noted leaves a letter that is sent once
// more, with the same Message-ID. The other way round, noting first, some letters would never arrive.
type postman struct {
	letters  letters
	accounts account.Store
	links    links
	post     *mail.Post // nil: there is no mail server
	now      func() time.Time
	log      *slog.Logger
}

// letters are what the postman carries. store.Letters fits it.
type letters interface {
	Letter(ctx context.Context, id record.ID) (account.Letter, error)
	SettleLetter(ctx context.Context, id record.ID, state account.LetterState, reason string, sent time.Time, tries int) error
}

// links are the addresses in letters. web.Tickets fits it.
type links interface {
	InvitationURL(pass account.Pass) string
	ResetURL(pass account.Pass) string
	PageURL(path string) string
}

// Why a letter failed for good, besides the mail server's own words. Pages have words for these.
const (
	noServer       = "no_server"        // the operator has set no mail server
	noLongerNeeded = "no_longer_needed" // what it was about is over
)

// letterLife is how long a letter is tried. Whoever waits for one has looked for another way by then.
const letterLife = 24 * time.Hour

// newPostman makes the postman of a store. Without an SMTP_URL each letter fails with a reason that its row shows.
func newPostman(letters letters, accounts account.Store, links links, c Config, now func() time.Time, log *slog.Logger) (*postman, error) {
	p := &postman{letters: letters, accounts: accounts, links: links, now: now, log: log}
	if c.SMTPURL == "" {
		return p, nil
	}
	server, err := mail.Parse(c.SMTPURL)
	if err != nil {
		return nil, err
	}
	own, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	p.post = &mail.Post{Server: server.SentFrom(own.Hostname()), Now: now}
	return p, nil
}

// Deliver sends a letter, if it is still owed, and notes what became of it.
func (p *postman) Deliver(ctx context.Context, id record.ID) (err error) {
	defer fault.Wrap(&err, "app: deliver letter %d", id)
	l, err := p.letters.Letter(ctx, id)
	if err != nil || l.State != account.LetterQueued {
		return err
	}
	settle := func(state account.LetterState, reason string) error {
		var sent time.Time
		if state == account.LetterSent {
			sent = p.now()
		}
		// However soon we are to stop: what has happened is noted.
		return p.letters.SettleLetter(context.WithoutCancel(ctx), id, state, reason, sent, l.Tries)
	}
	message, to, needed, err := p.write(ctx, l)
	switch {
	case err != nil && p.now().Sub(l.Made) >= letterLife:
		p.log.ErrorContext(ctx, "a letter cannot be written", "letter", id, "org", l.Org, "error", err)
		return settle(account.LetterFailed, words(err))
	case err != nil:
		return err
	case !needed:
		return settle(account.LetterFailed, noLongerNeeded)
	case p.post == nil:
		return settle(account.LetterFailed, noServer)
	}
	l.Tries++
	err = p.post.Send(ctx, netmail.Address{Name: to.Name(), Address: to.Email}, message, p.messageID(l))
	switch {
	case err == nil:
		return settle(account.LetterSent, "")
	case ctx.Err() != nil:
		return err // cut off: that was no try
	case fault.Is(err, fault.Invalid), p.now().Sub(l.Made) >= letterLife:
		p.log.WarnContext(ctx, "a letter cannot be delivered", "letter", id, "org", l.Org, "tries", l.Tries, "error", err)
		return settle(account.LetterFailed, words(err))
	}
	if noted := settle(account.LetterQueued, words(err)); noted != nil {
		p.log.WarnContext(ctx, "a try to deliver was not noted", "letter", id, "error", noted)
	}
	return err
}

// words are what the mail server said, or what kept us from reaching it.
func words(err error) string {
	if reason := fault.ReasonOf(err); reason == mail.OddAddress {
		return string(reason)
	}
	if f := fault.As(err); f != nil {
		return f.Message
	}
	return err.Error()
}

// messageID is the same however often a letter is sent, and another for every letter, also of a database made anew.
func (p *postman) messageID(l account.Letter) string {
	return fmt.Sprintf("letter-%d-%d@%s", l.ID, l.Made.UnixMicro(), p.post.Server.Domain())
}

// write puts a letter into its reader's language, if it is still needed.
func (p *postman) write(ctx context.Context, l account.Letter) (m mail.Message, to account.User, needed bool, err error) {
	if to, err = p.accounts.User(ctx, l.Org, l.To); err != nil {
		return m, to, false, err
	}
	org, err := p.accounts.Organization(ctx, l.Org)
	if err != nil {
		return m, to, false, err
	}
	zone := zoneOf(to, org)
	d := mail.Data{Kind: l.Kind, Organization: org.Name, To: to.FirstName, Word: l.Word, At: l.Made.In(zone)}
	switch l.Kind {
	case account.LetterInvitation, account.LetterReset:
		needed, err = p.enclose(ctx, l, to, zone, &d)
	case account.LetterRequest:
		needed, err = p.introduce(ctx, l, to, &d)
	case account.LetterCredential, account.LetterCredentialEnded:
		if l.Word != "" || l.Kind == account.LetterCredential {
			if d.Until, err = time.ParseInLocation(time.DateOnly, l.Word, zone); err != nil {
				return m, to, false, fault.New(fault.Broken, "", "app: letter %d names no day: %q", l.ID, l.Word)
			}
		}
		d.Word, d.Link, needed = "", p.links.PageURL(pages[l.Kind]), to.State == account.Active && to.May.ManageUsers
	case account.LetterDeclined:
		needed = true // its reader is no user any more
	default:
		d.Link, needed = p.links.PageURL(pages[l.Kind]), to.State == account.Active
	}
	if err != nil || !needed {
		return m, to, false, err
	}
	if d.By == "" {
		d.By = org.Name
	}
	m, err = mail.Write(d, cmp.Or(to.Locale, org.Locale))
	return m, to, true, err
}

// pages are where letters lead whose readers only need to be told.
var pages = map[account.LetterKind]string{
	account.LetterApproved:        "/launch/microsoft365",
	account.LetterPasswordChanged: "/password/forgot",
	account.LetterAssociated:      "/setup/account",
	account.LetterContactsEnded:   "/setup/marketplace/microsoft",
	account.LetterCalendarEnded:   "/setup/marketplace/microsoft",
	account.LetterCredential:      "/status/organization",
	account.LetterCredentialEnded: "/status/organization",
}

// enclose adds the link of a pass, and reports whether that still opens.
func (p *postman) enclose(ctx context.Context, l account.Letter, to account.User, zone *time.Location, d *mail.Data) (bool, error) {
	pass, err := p.accounts.Pass(ctx, l.Pass)
	if err != nil {
		return false, err
	}
	d.Until = pass.Expires.In(zone)
	good := pass.State == account.PassOpen && p.now().Before(pass.Expires)
	if l.Kind == account.LetterReset {
		d.Link = p.links.ResetURL(pass)
		return good && to.State == account.Active, nil
	}
	d.Link = p.links.InvitationURL(pass)
	if l.By != 0 {
		by, err := p.accounts.User(ctx, l.Org, l.By)
		if err != nil {
			return false, err
		}
		d.By = by.Name()
	}
	return good && to.State == account.Invited, nil
}

// introduce adds who asks to join, and reports whether the reader may still answer.
func (p *postman) introduce(ctx context.Context, l account.Letter, to account.User, d *mail.Data) (bool, error) {
	asking, err := p.accounts.User(ctx, l.Org, l.About)
	if err != nil {
		return false, err
	}
	d.About, d.Address = asking.Name(), asking.Email
	d.Link = p.links.PageURL(fmt.Sprintf("/setup/users/%d", asking.ID))
	return asking.State == account.Requested && to.State == account.Active && to.May.ManageUsers, nil
}

// zoneOf is the reader's time zone, else the organization's.
func zoneOf(u account.User, o account.Organization) *time.Location {
	for _, name := range []string{u.Zone, o.Zone} {
		if zone, err := time.LoadLocation(name); name != "" && err == nil {
			return zone
		}
	}
	return time.UTC
}
