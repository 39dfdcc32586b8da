package account

import (
	"context"
	"strconv"

	"tandem/internal/fault"
	"tandem/internal/record"
)

// ChangeProfile gives a user another profile. Conflict with LastSuperAdmin; Denied with BeyondOwn.
func (r *Registry) ChangeProfile(ctx context.Context, actor User, id record.ID, p Profile) (err error) {
	defer fault.Wrap(&err, "account: change the profile of user %d", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := touched(tx, actor.ID, id)
		if err != nil || u.Profile == p {
			return err
		}
		profile, err := toGive(tx, by, p)
		if err != nil {
			return err
		}
		if err := anotherSuperAdmin(tx, u); err != nil {
			return err
		}
		from := u.Profile
		u.Profile = p
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		if err := withhold(tx, u.ID, profile.May); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: ProfileChanged, Subject: u.ID,
			Detail: map[string]string{"from": string(from), "to": string(p)}})
	})
}

// SignOut ends all sessions of somebody else, such as after a device was lost. API tokens stay. Denied with OwnAccount or BeyondOwn.
func (r *Registry) SignOut(ctx context.Context, actor User, id record.ID) (err error) {
	defer fault.Wrap(&err, "account: sign user %d out", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := touched(tx, actor.ID, id)
		if err != nil {
			return err
		}
		if u.ID == by.ID {
			return refuse(fault.Denied, OwnAccount, "user %d signs nobody out but others", by.ID)
		}
		if err := tx.EndAccess(u.ID, "", false); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: SessionsEnded, Subject: u.ID})
	})
}

// touched finds who acts and whom it concerns, and reports with a fault what nobody may do to the other.
func touched(tx Tx, actor, id record.ID) (by, u User, err error) {
	if by, err = manager(tx, actor); err != nil {
		return by, u, err
	}
	if u, err = tx.User(id); err != nil {
		return by, u, err
	}
	if u.State == Deleted {
		return by, u, refuse(fault.NotFound, "", "user %d was deleted", id)
	}
	return by, u, mayTouch(by, u)
}

// withhold pauses what a user may no longer sync, and lets go on what the user may sync again.
func withhold(tx Tx, user record.ID, may Permissions) error {
	for _, kind := range []record.Kind{record.Calendar, record.Contacts} {
		if err := tx.WithholdLinks(user, kind, !may.Sync(kind)); err != nil {
			return err
		}
	}
	return nil
}

// Prefer stores a user's own language and time zone; "" leaves one as it is.
func (r *Registry) Prefer(ctx context.Context, user User, locale, zone string) (err error) {
	defer fault.Wrap(&err, "account: preferences of user %d", user.ID)
	return r.Store.Within(ctx, user.Org, func(tx Tx) error {
		u, err := tx.User(user.ID)
		if err != nil {
			return err
		}
		if locale != "" {
			u.Locale = locale
		}
		if zone != "" {
			u.Zone = zone
		}
		return tx.UpdateUser(u)
	})
}

// Deactivate closes an account: sessions and API tokens end at once, syncs are switched off. handTo is who gets the
// records; 0: they stay where they are. Conflict with LastSuperAdmin; Denied with OwnAccount or BeyondOwn.
func (r *Registry) Deactivate(ctx context.Context, actor User, id, handTo record.ID) (err error) {
	defer fault.Wrap(&err, "account: deactivate user %d", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := touched(tx, actor.ID, id)
		switch {
		case err != nil:
			return err
		case u.ID == by.ID:
			return refuse(fault.Denied, OwnAccount, "user %d deactivates nobody but others", by.ID)
		case u.State == Deactivated:
			return refuse(fault.Conflict, AnsweredAlready, "user %d is deactivated", u.ID)
		case u.State != Active:
			return refuse(fault.Conflict, "", "user %d is %s", u.ID, u.State)
		}
		if err := anotherSuperAdmin(tx, u); err != nil {
			return err
		}
		u.State = Deactivated
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		if err := tx.EndAccess(u.ID, "", true); err != nil {
			return err
		}
		if err := tx.EndPasses(u.ID); err != nil {
			return err
		}
		if err := tx.StopLinks(u.ID); err != nil {
			return err
		}
		if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: UserDeactivated, Subject: u.ID}); err != nil {
			return err
		}
		return r.handOver(tx, by, u, handTo)
	})
}

// handOver gives the records of a user to another one, who must be active; to 0: to nobody.
func (r *Registry) handOver(tx Tx, by, from User, to record.ID) error {
	if to == 0 {
		return nil
	}
	heir, err := tx.User(to)
	if err != nil {
		return err
	}
	if heir.State != Active || heir.ID == from.ID {
		return fault.Wrong(fault.BadValue, "hand_to", "account: user %d cannot take over", to)
	}
	n, err := tx.HandOver(from.ID, heir.ID, by.ID)
	if err != nil || n == 0 {
		return err
	}
	return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: RecordsHandedOver, Subject: from.ID,
		Detail: map[string]string{"to": heir.Name(), "count": strconv.Itoa(n)}})
}

// Reactivate opens a closed account again. What was synced must be switched on anew.
func (r *Registry) Reactivate(ctx context.Context, actor User, id record.ID) (err error) {
	defer fault.Wrap(&err, "account: reactivate user %d", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := touched(tx, actor.ID, id)
		if err != nil {
			return err
		}
		if u.State != Deactivated {
			return refuse(fault.Conflict, AnsweredAlready, "user %d is %s", u.ID, u.State)
		}
		if err := seat(tx); err != nil {
			return err
		}
		u.State = Active
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: UserReactivated, Subject: u.ID})
	})
}

// Delete removes a deactivated user for good; the name stays in histories. Whoever still owns records hands them over.
// Conflict with HandOverNeeded, or with SyncEnding while the mailbox is being cleared.
func (r *Registry) Delete(ctx context.Context, actor User, id, handTo record.ID) (err error) {
	defer fault.Wrap(&err, "account: delete user %d", id)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, u, err := touched(tx, actor.ID, id)
		if err != nil {
			return err
		}
		if u.State != Deactivated {
			return refuse(fault.Conflict, "", "user %d is %s", u.ID, u.State)
		}
		if n, err := tx.RunningLinks(u.ID); err != nil {
			return err
		} else if n > 0 {
			return refuse(fault.Conflict, SyncEnding, "sync of user %d is being switched off", u.ID)
		}
		if err := r.handOver(tx, by, u, handTo); err != nil {
			return err
		}
		if n, err := tx.Owned(u.ID); err != nil {
			return err
		} else if n > 0 {
			return refuse(fault.Conflict, HandOverNeeded, "user %d owns %d records", u.ID, n)
		}
		if err := tx.SetPassword(u.ID, ""); err != nil {
			return err
		}
		keys, err := tx.Passkeys(u.ID)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := tx.RemovePasskey(u.ID, k.ID); err != nil {
				return err
			}
		}
		if err := tx.DropGrant(u.ID); err != nil {
			return err
		}
		if err := tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: UserDeleted, Subject: u.ID, Detail: map[string]string{"email": u.Email}}); err != nil {
			return err
		}
		u.State, u.Identity = Deleted, Identity{}
		return tx.UpdateUser(u)
	})
}
