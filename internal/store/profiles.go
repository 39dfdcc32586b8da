package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"tandem/internal/account"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// permissionsOf are what a profile allows: what its organization has said, else what it is built in with.
func permissionsOf(p account.Profile, stored string) (may account.Permissions, err error) {
	if stored == "" {
		return p.Permissions(), nil
	}
	// What was stored before there were exports does not say whether they are allowed: where imports are. Nobody's permissions
	// become less than those of whoever they manage by that.
	var said struct {
		Export *bool `json:"export"`
	}
	if err = json.Unmarshal([]byte(stored), &may); err != nil {
		return may, err
	}
	if err = json.Unmarshal([]byte(stored), &said); err == nil && said.Export == nil {
		may.Export = may.Import
	}
	return may, err
}

// profiles are the built-in ones, the most powerful first, and the organization's own by name.
func profiles(ctx context.Context, q querier, org record.ID) ([]account.NamedProfile, error) {
	type row struct {
		name   account.Profile
		stored string
		users  int
	}
	rows, err := list(ctx, q, func(scan scan) (r row, err error) {
		err = scan(&r.name, &r.stored, &r.users)
		return r, err
	}, `SELECT n.name, MAX(n.permissions), SUM(n.users) FROM (
			SELECT name, permissions, 0 AS users FROM profiles WHERE org_id = ?
			UNION ALL
			SELECT profile, '', COUNT(*) FROM users WHERE org_id = ? AND state NOT IN ('deleted', 'requested') GROUP BY profile
		) AS n GROUP BY n.name`, int64(org), int64(org))
	if err != nil {
		return nil, err
	}
	out := make([]account.NamedProfile, len(account.BuiltIn), len(account.BuiltIn)+len(rows))
	for i, name := range account.BuiltIn {
		out[i] = account.NamedProfile{Name: name, May: name.Permissions(), BuiltIn: true}
	}
	var own []account.NamedProfile
	for _, r := range rows {
		may, err := permissionsOf(r.name, r.stored)
		if err != nil {
			return nil, err
		}
		if i := slices.Index(account.BuiltIn, r.name); i >= 0 {
			out[i].May, out[i].Users = may, r.users
		} else if r.stored != "" {
			own = append(own, account.NamedProfile{Name: r.name, May: may, Users: r.users})
		}
	}
	slices.SortFunc(own, func(a, b account.NamedProfile) int {
		if byName := cmp.Compare(fold(string(a.Name)), fold(string(b.Name))); byName != 0 {
			return byName
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return append(out, own...), nil
}

// Profiles lists the built-in profiles and the organization's own.
func (s *Accounts) Profiles(ctx context.Context, org record.ID) (_ []account.NamedProfile, err error) {
	defer fault.Wrap(&err, "store: profiles")
	return profiles(ctx, s.reader(), org)
}

func (a accountTx) Profiles() ([]account.NamedProfile, error) { return profiles(a.tx.ctx, a.tx, a.org) }

func (a accountTx) Profile(name account.Profile) (account.NamedProfile, error) {
	all, err := a.Profiles()
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	if err == nil {
		err = notFound("profile", name)
	}
	return account.NamedProfile{}, err
}

func (a accountTx) SaveProfile(name account.Profile, p account.Permissions) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = a.tx.change(`INSERT INTO profiles (org_id, name, permissions) VALUES (?, ?, ?)
		ON CONFLICT (org_id, name) DO UPDATE SET permissions = excluded.permissions`, int64(a.org), clean(string(name)), string(text))
	return err
}

func (a accountTx) DeleteProfile(name account.Profile) error {
	return a.one(`profile`, name, `DELETE FROM profiles WHERE org_id = ? AND name = ?`, int64(a.org), string(name))
}

// RenameProfile gives a profile another name. Conflict: there is one of that name; those built in may have no row.
func (a accountTx) RenameProfile(from, to account.Profile) error {
	if slices.Contains(account.BuiltIn, to) {
		return fault.New(fault.Conflict, fault.Duplicate, "store: profile %q is built in", to)
	}
	if err := a.one("profile", from, `UPDATE profiles SET name = ? WHERE org_id = ? AND name = ?`, clean(string(to)), int64(a.org), string(from)); err != nil {
		return err
	}
	_, err := a.tx.change(`UPDATE users SET profile = ? WHERE org_id = ? AND profile = ?`, clean(string(to)), int64(a.org), string(from))
	return err
}

func (a accountTx) UsersOf(p account.Profile) ([]account.User, error) {
	return list(a.tx.ctx, a.tx, readUser, selectUsers+`u.org_id = ? AND u.profile = ? AND u.state <> 'deleted' ORDER BY u.name_key, u.id`,
		int64(a.org), string(p))
}
