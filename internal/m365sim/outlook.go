package m365sim

import "net/http"

// outlookRoutes registers the pages of the small Outlook.
func (s *Sim) outlookRoutes(*http.ServeMux) {}
