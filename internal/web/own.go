package web

// ownRoutes are those of one's own account: ways to sign in, sessions, passwords.
func (s *Site) ownRoutes() []route { return nil }
