package account

import (
	"context"
	"encoding/json"
	"strings"

	"tandem/internal/fault"
)

// maxProfileName is how many letters the name of a profile has at most.
const maxProfileName = 50

// SaveProfile makes a profile (was is ""), or changes what one allows and, for one of the organization's own, its name. Those
// who have it can do what it says from then on: what they may no longer sync pauses.
// Conflict with ProfileTaken; Denied with ProfileFixed, BeyondOwn, or OwnAccount for the actor's own profile.
func (r *Registry) SaveProfile(ctx context.Context, actor User, was, name Profile, may Permissions) (err error) {
	defer fault.Wrap(&err, "account: save profile %q", name)
	name = Profile(cleanName(string(name)))
	if name == "" || len([]rune(name)) > maxProfileName {
		return fault.Wrong(fault.BadValue, "name", "account: a profile's name has 1 to %d letters", maxProfileName)
	}
	if err := may.Check(); err != nil {
		return err
	}
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, err := manager(tx, actor.ID)
		if err != nil {
			return err
		}
		if err := mayGive(by, name, may); err != nil {
			return err
		}
		if was != name {
			if err := nameFree(tx, was, name); err != nil {
				return err
			}
		}
		if was == "" {
			if err := tx.SaveProfile(name, may); err != nil {
				return err
			}
			return r.noteProfile(tx, by, "", name, may)
		}
		old, err := tx.Profile(was)
		switch {
		case err != nil:
			return err
		case was == SuperAdmin || old.BuiltIn && was != name:
			return refuse(fault.Denied, ProfileFixed, "profile %q is fixed", was)
		case was == by.Profile:
			return refuse(fault.Denied, OwnAccount, "nobody changes the profile they have")
		}
		if err := mayGive(by, was, old.May); err != nil {
			return err
		}
		if was != name {
			if err := tx.RenameProfile(was, name); err != nil {
				return err
			}
		}
		if err := tx.SaveProfile(name, may); err != nil {
			return err
		}
		having, err := tx.UsersOf(name)
		if err != nil {
			return err
		}
		for _, u := range having {
			if err := withhold(tx, u.ID, may); err != nil {
				return err
			}
		}
		return r.noteProfile(tx, by, was, name, may)
	})
}

// nameFree reports with a fault whether another profile has the name; letter case makes no difference to people.
func nameFree(tx Tx, was, name Profile) error {
	all, err := tx.Profiles()
	for _, p := range all {
		if p.Name != was && strings.EqualFold(string(p.Name), string(name)) {
			return refuse(fault.Conflict, ProfileTaken, "there is a profile %q", p.Name)
		}
	}
	return err
}

// noteProfile adds to the audit trail what a profile allows now, and what it was called before, if that was something else.
func (r *Registry) noteProfile(tx Tx, by User, was, name Profile, may Permissions) error {
	text, err := json.Marshal(may)
	if err != nil {
		return err
	}
	detail := map[string]string{"profile": string(name), "permissions": string(text)}
	if was != "" && was != name {
		detail["from"], detail["to"] = string(was), string(name)
	}
	return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: ProfileSaved, Detail: detail})
}

// DeleteProfile removes a profile of the organization's own that nobody has. Conflict with ProfileInUse; Denied with
// ProfileFixed.
func (r *Registry) DeleteProfile(ctx context.Context, actor User, name Profile) (err error) {
	defer fault.Wrap(&err, "account: delete profile %q", name)
	return r.Store.Within(ctx, actor.Org, func(tx Tx) error {
		by, err := manager(tx, actor.ID)
		if err != nil {
			return err
		}
		p, err := tx.Profile(name)
		if err != nil {
			return err
		}
		if p.BuiltIn {
			return refuse(fault.Denied, ProfileFixed, "profile %q stays", name)
		}
		if err := mayGive(by, name, p.May); err != nil {
			return err
		}
		having, err := tx.UsersOf(name)
		if err != nil {
			return err
		}
		if len(having) > 0 {
			return refuse(fault.Conflict, ProfileInUse, "%d users have profile %q", len(having), name)
		}
		if err := tx.DeleteProfile(name); err != nil {
			return err
		}
		return tx.Note(Entry{At: r.Now(), Actor: by.ID, Action: ProfileDeleted, Detail: map[string]string{"profile": string(name)}})
	})
}
