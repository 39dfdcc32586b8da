package crmapi

// Routes are all requests that are answered, as "METHOD path".
func Routes() (all []string) {
	for _, r := range routes {
		all = append(all, r.method+" "+r.path)
	}
	return all
}
