// Package mapping says which Microsoft field meets which CRM field, and translates records both ways. Tables are data:
// the default mapping, the mapping dialog, the type check and the translator read the same rows.
package mapping

import "tandem/internal/record"

// Microsoft is the table of the fields that Microsoft Graph offers for a kind, as outlook tells and takes them: names
// are Graph's property paths, list members by position.
type Microsoft struct {
	Name record.Field // "givenName", "emailAddresses[0]", "businessAddress.street"
	Type record.Type
	Max  int // code points; 0: none known
}

// Row joins one field of each side.
type Row struct {
	Microsoft record.Field `json:"microsoft"`
	CRM       record.Field `json:"crm"`
}

// Table is the mapping of one link.
type Table struct {
	Kind record.Kind `json:"kind"`
	Rows []Row       `json:"rows"`
}
