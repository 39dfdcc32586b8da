// Package m365sim is a Microsoft 365 in memory: an Entra ID to sign in at, the part of Microsoft Graph v1.0 that a
// calendar and contact sync needs, change notifications, and a small Outlook to look at and type in. It speaks
// real HTTP, so a program is pointed at it by address alone, and it shares no type with any client: the two can
// disagree, as life can.
//
// It leaves to others what happens to the data elsewhere; it knows nothing of the product that is tested with it.
//
// # Sources
//
// Behaviour follows the project's fact sheet on Microsoft Graph and Entra ID, which quotes Microsoft's
// documentation page by page; § in comments is a section of it, and [K] marks what it could not verify.
// FIELD-FAILURES numbers are observations that users reported. Where sources differ or are silent there is a
// switch: see Warts. The shapes of answers are held against Microsoft's own OpenAPI description by the tests.
//
// # Finding one's way
//
// A request to Graph becomes a call (graph.go), whether it came by itself, as a part of a batch (batch.go) or from
// an Actor (person.go). routes.go is the table of all that is answered. An entity's properties are the rows of a
// schema (properties.go; contactfields.go, eventfields.go), read by whatever parses, checks, stores, chooses and
// writes them. A mailbox (mailbox.go) is a lock, folders and items; an item never changes but is replaced, and the
// order of changes is a log (changelog.go) that lists and delta search instead of scanning. Failures to order are
// in faults.go, the handles of the test bench in control.go. A tenant's directory is searched through an index
// (census.go). Letters that the app sent come in from outside and are shown as they are (outbox.go).
//
// # Who is there
//
// Three tenants: contoso.example with 511 people, fabrikam.example with four, and northwind.example with seven, which is
// there to install an app in: a Global Administrator (admin@), an Application Administrator (enrico@), a User
// Administrator (lidia@) and people without a role. Sim.Crowd, or POST /sim/crowd, adds as many more as a test wants.
//
// # What it does not model
//
// Asked for, each of these is refused with 501, logged at WARN and counted under unknown at /sim/requests:
//
//   - event delta without a window (/events/delta), /users/delta, groups, and subscriptions to users;
//   - open extensions, multi-value extended properties, attachments;
//   - answers to one day of a series, proposals of another time, forward and snooze, events in groups, calendar permissions and sharing;
//   - writing mailboxSettings, more than one calendar group, notifications with resource data.
//
// These it does otherwise than Microsoft 365, or not at all:
//
//   - Time is instant: no index lags, a notification leaves after milliseconds, a new folder is everywhere at once.
//     Latency and slowness are made to order.
//   - Ids are shorter than Exchange's and tell, to whoever reads this code, what they name. A request may name an
//     item by either kind of id whatever Prefer says. Ids of folders never change.
//   - Notification addresses may be plain http, and no slow endpoint is put into a drop state.
//   - Mails are counted, not written. Every write to a meeting by its organizer counts as mail to every attendee,
//     even where Outlook would find the change too small to tell. Attendees of the same tenant get their copy;
//     those from outside answer by Mailbox.Respond. A declined copy goes to Deleted Items.
//   - The scope of transactionId is the mailbox, and it is remembered for ever, unless Warts say otherwise.
//   - A subscription's life, the number of connections and the number of requests are limited as Warts say; upload
//     volume and the directory's resource units are not.
//   - The directory has no index that lags behind, no administrative units, no groups and no licences; mailNickname is
//     what stands before the @. Its default order is by display name without letter case. Photos of people are refused.
//   - The list of apps shows the app's tile to everybody in every tenant, whether or not its package was uploaded: the
//     upload, its review, who an app is assigned to and the frame of Microsoft's hosts (with TeamsJS's other half) are
//     not here.
//   - Every app registration has its service principal in every tenant from the start. A certificate in place of a
//     secret, passwords and second factors are not asked for.
//   - $search works on users only, $filter and $orderby on the properties that the schemas name, $expand on extended
//     properties and exceptionOccurrences. Text in $filter is compared without case, but for extended properties.
//   - A recurrence is expanded by RFC 5545's rules, with day 31 taken as a short month's last day. Periods of an event
//     that lies in two time zones follow the zone of its recurrence.
//   - HTML is not parsed: a body loses its wrapper and scripts, and is otherwise kept as it was sent.
//   - primary-, secondary- and tertiaryEmailAddress can be read on demand, not written.
//   - Strings have no longest length but the subject's, unless Warts say otherwise.
package m365sim
