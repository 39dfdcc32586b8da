package web

// launchPath is the accounts page, between Microsoft 365 and Tandem.
const launchPath = "/launch/microsoft365"

// launchRoutes are the ways in: the accounts page, invitations.
func (s *Site) launchRoutes() []route { return nil }
