package outlook

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tandem/internal/graph"
	"tandem/internal/mapping"
	"tandem/internal/record"
	"tandem/internal/testkit/graphspec"
)

// notOffered are the properties of a contact that are in nobody's mapping, and why.
var notOffered = map[string]string{
	"createdDateTime":               "Exchange sets it",
	"lastModifiedDateTime":          "Exchange sets it",
	"parentFolderId":                "says where the contact lies, which is always the dedicated folder",
	"displayName":                   "is made anew from the name whenever that changes",
	"primaryEmailAddress":           "repeats emailAddresses[0]",
	"secondaryEmailAddress":         "repeats emailAddresses[1]",
	"tertiaryEmailAddress":          "repeats emailAddresses[2]",
	"photo":                         "is a picture beside the contact, which is read and written apart from it",
	"extensions":                    "other programs' data",
	"singleValueExtendedProperties": "other programs' data, and our own mark",
	"multiValueExtendedProperties":  "other programs' data",
}

// Every property of a contact that Graph's description lets one write is offered, or is left out for a reason; and what is
// offered is described, read and written.
func TestS27_EveryFieldThatGraphOffersIsOffered(t *testing.T) {
	t.Parallel()
	offered := map[string]bool{}
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		name, _, _ := strings.Cut(string(f.Name), ".")
		name, _, _ = strings.Cut(name, "[")
		offered[name] = true
	}
	described := graphspec.Properties(t, "microsoft.graph.contact")
	for _, name := range slices.Sorted(maps.Keys(described)) {
		why, left := notOffered[name]
		switch {
		case offered[name] && left && name != "photo":
			t.Errorf("%s is offered although %s", name, why)
		case !offered[name] && !left && !described[name]:
			t.Errorf("%s is not offered", name)
		}
	}
	for name := range offered {
		if _, ok := described[name]; !ok {
			t.Errorf("%s is offered, and Graph has no such property", name)
		}
	}
	for name := range notOffered {
		if _, ok := described[name]; !ok {
			t.Errorf("%s is left out, and Graph has no such property", name)
		}
	}
	for _, f := range mapping.MicrosoftFields(record.Contacts) {
		if !contactNames[f.Name] && f.Name != "photo" {
			t.Errorf("%s is offered and cannot be written", f.Name)
		}
	}
}

// Exchange files a contact anew when its name changes. What follows from the name may; what a person chose is sent along.
func TestS29_WhatAContactIsFiledUnderIsKept(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		filed  string
		fields record.Fields
		want   string
	}{
		{"Souza, Ana", record.Fields{"surname": "Lima"}, ""},
		{"Ana Souza", record.Fields{"surname": "Lima"}, ""},
		{"Contoso (Souza, Ana)", record.Fields{"surname": "Lima"}, ""},
		{"The boss", record.Fields{"surname": "Lima"}, `"fileAs":"The boss"`},
		{"The boss", record.Fields{"companyName": "Fabrikam"}, `"fileAs":"The boss"`},
		{"The boss", record.Fields{"jobTitle": "CEO"}, ""},
		{"The boss", record.Fields{"surname": "Lima", "fileAs": "Ana L."}, `"fileAs":"Ana L."`},
		{"Souza, Ana", record.Fields{"surname": "Lima", "fileAs": "Souza, Ana"}, `"fileAs":"Souza, Ana"`},
		{"The boss", record.Fields{"surname": "Lima", "fileAs": ""}, `"fileAs":null`},
	} {
		o, err := contactBody(&graph.Contact{GivenName: "Ana", Surname: "Souza", CompanyName: "Contoso", FileAs: row.filed}, row.fields)
		sent := string(o.JSON())
		if err != nil || strings.Count(sent, "fileAs") > 1 || row.want == "" && strings.Contains(sent, "fileAs") || !strings.Contains(sent, row.want) {
			t.Errorf("filed under %q, for %v: %s, %v", row.filed, row.fields, sent, err)
		}
	}
}
