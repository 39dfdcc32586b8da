package m365sim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Takers of events.

func takeRaw(b []byte, v gjson.Result, _ string) ([]byte, *graphError) {
	return append(b, v.Raw...), nil
}

func takeTransaction(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	const most = 255
	if len(v.Str) > most {
		return b, invalidProperty(name, "it is too long")
	}
	return takeText(b, v, name)
}

func takeMoment(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if !v.IsObject() {
		return b, invalidProperty(name, "a dateTime and a timeZone are needed")
	}
	var err *graphError
	v.ForEach(func(key, value gjson.Result) bool {
		if key.Str != "dateTime" && key.Str != "timeZone" && !strings.Contains(key.Str, "@") {
			err = badRequest("RequestBodyRead", "The property '"+key.Str+"' does not exist on type 'microsoft.graph.dateTimeTimeZone'.")
		}
		return err == nil
	})
	return append(b, v.Raw...), err
}

// readMoment reads what takeMoment let through.
func readMoment(raw, name string) (moment, *graphError) {
	wall, err := parseWall(gjson.Get(raw, "dateTime").Str)
	if err != nil {
		return moment{}, invalidProperty(name+"/dateTime", "it must be like 2017-08-29T04:00:00, without an offset")
	}
	z, refused := findZone(gjson.Get(raw, "timeZone").Str)
	return moment{wall, z}, refused
}

var locationTypes = []string{"default", "conferenceRoom", "homeAddress", "businessAddress", "geoCoordinates", "streetAddress", "hotel", "restaurant", "localBusiness", "postalAddress"}

func takeLocation(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if !v.IsObject() {
		return b, wrongType(name)
	}
	var err *graphError
	from := len(b)
	b = append(b, '{')
	title, kind := "", "default"
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "displayName":
			title = value.Str
		case "locationType":
			if slices.Contains(locationTypes, value.Str) {
				kind = value.Str
			} else if value.Type != gjson.Null {
				err = wrongType(name + "/locationType")
			}
		case "locationUri", "locationEmailAddress":
			if value.Type == gjson.String && value.Str != "" {
				b = appendRawMember(b, key.Str, value.Raw)
			}
		case "address":
			b, err = takePhysicalAddress(appendKey(b, "address"), value, "address")
		case "coordinates":
			b = appendRawMember(b, "coordinates", value.Raw)
		case "uniqueId", "uniqueIdType": // the service's own
		default:
			if !strings.Contains(key.Str, "@") {
				err = badRequest("RequestBodyRead", "The property '"+key.Str+"' does not exist on type 'microsoft.graph.location'.")
			}
		}
		return err == nil
	})
	if err != nil {
		return b, err
	}
	if title == "" && len(b) == from+1 {
		return append(b[:from], "null"...), nil
	}
	b = appendTextMember(b, "displayName", title)
	b = appendTextMember(b, "locationType", kind)
	if title != "" {
		b = appendTextMember(b, "uniqueId", title)
		b = appendTextMember(b, "uniqueIdType", "private")
	}
	return append(b, '}'), nil
}

func takeLocations(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if !v.IsArray() {
		return b, wrongType(name)
	}
	b = append(b, '[')
	for i, one := range v.Array() {
		if i > 0 {
			b = append(b, ',')
		}
		var err *graphError
		if b, err = takeLocation(b, one, name); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// takeAttendees takes the whole list (a PATCH replaces it), at most 500 (fact sheet §3.1, §3.2).
func takeAttendees(b []byte, v gjson.Result, name string) ([]byte, *graphError) {
	if v.Type == gjson.Null {
		return append(b, "null"...), nil
	}
	if !v.IsArray() {
		return b, wrongType(name)
	}
	const most = 500
	list := v.Array()
	if len(list) > most {
		return b, tooMany(name, len(list), most)
	}
	if len(list) == 0 {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i, one := range list {
		to := one.Get("emailAddress.address")
		if !one.IsObject() || !strings.Contains(to.Str, "@") {
			return b, badRequest("ErrorInvalidRecipients", "At least one recipient is not valid.")
		}
		if i > 0 {
			b = append(b, ',')
		}
		kind := one.Get("type").Str
		if kind == "" {
			kind = "required"
		}
		if !slices.Contains([]string{"required", "optional", "resource"}, kind) {
			return b, wrongType(name + "/type")
		}
		response, at := one.Get("status.response").Str, one.Get("status.time").Str
		if response == "" {
			response = "none"
		}
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			at = never
		}
		title := one.Get("emailAddress.name").Str
		if title == "" {
			title = to.Str
		}
		b = append(b, '{')
		b = appendTextMember(b, "type", kind)
		b = append(appendKey(b, "status"), '{')
		b = appendTextMember(b, "response", response)
		b = append(appendTextMember(b, "time", at), '}')
		b = append(appendKey(b, "emailAddress"), address{title, to.Str}.append(nil)...)
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

var errTooLong = newGraphError(http.StatusBadRequest, "ErrorPropertyValidationFailure", "At least one property failed validation. subject: it is longer than 255 characters")
