package memcrm

import "tandem/internal/crm"

var _ crm.Store = (*Store)(nil)
