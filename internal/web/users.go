package web

// userRoutes are those of Setup › Users and Control.
func (s *Site) userRoutes() []route { return nil }
