package web

// userKeys are the keys that the pages of Users and Control put together from parts.
func userKeys() []string { return nil }
