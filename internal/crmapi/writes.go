package crmapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
)

// maxWrite is the most records that one insert, update or delete names (zoho-crm.md §2).
const maxWrite = 100

// writeBody is the body of an insert or update. Other keys of Zoho's (trigger, lar_id ...) switch features that Tandem
// does not have.
type writeBody struct {
	Data []json.RawMessage `json:"data"`
}

// bodies reads the records of a body.
func (c *call) bodies() ([]json.RawMessage, error) {
	var body writeBody
	if err := c.read(&body); err != nil {
		return nil, err
	}
	switch n := len(body.Data); {
	case n == 0:
		return nil, problem{status: 400, code: "MANDATORY_NOT_FOUND", message: "required field not found",
			details: object{"api_name": "data", "json_path": "$.data"}}
	case n > maxWrite:
		return nil, problem{status: 400, code: "LIMIT_EXCEEDED", message: "more records than one call takes",
			details: object{"api_name": "data", "json_path": "$.data", "limit": maxWrite}}
	}
	return body.Data, nil
}

// insert answers POST /{module}.
func (c *call) insert() error {
	bodies, err := c.bodies()
	if err != nil {
		return err
	}
	results := make([]crm.Result, len(bodies))
	var drafts []crm.Draft
	var place []int
	for i, raw := range bodies {
		draft, err := c.decode(raw, nil)
		if err != nil {
			results[i].Err = err
			continue
		}
		drafts, place = append(drafts, draft), append(place, i)
	}
	done, err := c.CRM.Insert(c.r.Context(), c.actor, c.module.kind, drafts)
	if err != nil {
		return err
	}
	for n, i := range place {
		results[i] = done[n]
	}
	return c.answerResults(results, outcome{status: http.StatusCreated, message: "record added", path: "$.data[%d]", times: true, approval: true})
}

// update answers PUT /{module}: each record names its id.
func (c *call) update() error {
	bodies, err := c.bodies()
	if err != nil {
		return err
	}
	return c.change(bodies, 0)
}

// updateOne answers PUT /{module}/{id}.
func (c *call) updateOne() error {
	r, err := c.stored()
	if err != nil {
		return err
	}
	bodies, err := c.bodies()
	if err != nil {
		return err
	}
	if len(bodies) > 1 {
		return problem{status: 400, code: "LIMIT_EXCEEDED", message: "the address names one record",
			details: object{"api_name": "data", "json_path": "$.data", "limit": 1}}
	}
	return c.change(bodies, r.ID)
}

// change updates records; id is the one in the address, or 0.
func (c *call) change(bodies []json.RawMessage, id record.ID) error {
	unmodified, err := c.header("If-Unmodified-Since")
	if err != nil {
		return err
	}
	stored, err := c.CRM.ByID(c.r.Context(), c.actor, c.module.kind, idsIn(bodies, id)...)
	if err != nil {
		return err
	}
	results := make([]crm.Result, len(bodies))
	var drafts []crm.Draft
	var place []int
	for i, raw := range bodies {
		draft, err := c.draft(raw, id, stored, unmodified)
		if err != nil {
			results[i].Err = err
			continue
		}
		drafts, place = append(drafts, draft), append(place, i)
	}
	done, err := c.CRM.Update(c.r.Context(), c.actor, c.module.kind, drafts)
	if err != nil {
		return err
	}
	for n, i := range place {
		results[i] = done[n]
	}
	return c.answerResults(results, outcome{status: http.StatusOK, message: "record updated", path: "$.data[%d]", times: true})
}

// draft reads one record of an update. Under If-Unmodified-Since the draft holds only at the version looked at.
func (c *call) draft(raw json.RawMessage, id record.ID, stored map[record.ID]crm.Record, unmodified time.Time) (crm.Draft, error) {
	named := id
	if named == 0 {
		named, _ = idIn(raw)
	}
	var now *crm.Record
	if r, ok := stored[named]; ok {
		now = &r
	}
	draft, err := c.decode(raw, now)
	if err != nil {
		return draft, err
	}
	if id != 0 {
		if draft.ID != 0 && draft.ID != id {
			return draft, problem{status: 400, code: "INVALID_DATA", message: "the id is not the one in the address",
				details: object{"api_name": "id"}}
		}
		draft.ID = id
	}
	if draft.ID == 0 {
		return draft, problem{status: 400, code: "MANDATORY_NOT_FOUND", message: "required field not found",
			details: object{"api_name": "id"}}
	}
	if !unmodified.IsZero() && now != nil {
		if now.ModifiedAt.Truncate(time.Second).After(unmodified) {
			return draft, fault.New(fault.Conflict, "", "crmapi: record %s was modified", now.ID)
		}
		draft.Version = now.Version
	}
	return draft, nil
}

func idsIn(bodies []json.RawMessage, id record.ID) (ids []record.ID) {
	if id != 0 {
		return []record.ID{id}
	}
	for _, raw := range bodies {
		if id, ok := idIn(raw); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func idIn(raw json.RawMessage) (record.ID, bool) {
	var named struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(raw, &named) != nil {
		return 0, false
	}
	return readID(named.ID)
}

// remove answers DELETE /{module}?ids=.
func (c *call) remove() error {
	ids, err := c.ids(maxWrite)
	if err != nil {
		return err
	}
	return c.bin(ids)
}

// removeOne answers DELETE /{module}/{id}.
func (c *call) removeOne() error {
	r, err := c.stored()
	if err != nil {
		return err
	}
	return c.bin([]record.ID{r.ID})
}

func (c *call) bin(ids []record.ID) error {
	drafts := make([]crm.Draft, len(ids))
	for i, id := range ids {
		drafts[i].ID = id
	}
	results, err := c.CRM.Delete(c.r.Context(), c.actor, c.module.kind, drafts)
	if err != nil {
		return err
	}
	return c.answerResults(results, outcome{status: http.StatusOK, message: "record deleted", path: "$.ids[%d]"})
}

// errOneField refuses a mass update of several fields, or of none.
var errOneField = problem{status: 400, code: "INVALID_DATA", message: "a mass update changes exactly one field",
	details: object{"api_name": "data", "json_path": "$.data"}}

// massUpdate answers POST /{module}/actions/mass_update.
func (c *call) massUpdate() error {
	var body struct {
		Data []map[string]json.RawMessage `json:"data"`
		IDs  []string                     `json:"ids"`
		CVID json.RawMessage              `json:"cvid"`
		Area json.RawMessage              `json:"territory"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	switch {
	case !absent(body.CVID) || !absent(body.Area):
		return problem{status: 400, code: "NOT_SUPPORTED", message: "there are no custom views and no territories: name ids",
			details: object{"param_name": "cvid"}}
	case len(body.IDs) == 0:
		return missingParam("ids")
	case len(body.IDs) > crm.MassUpdateMax:
		return problem{status: 400, code: "LIMIT_EXCEEDED", message: "more ids than one call takes",
			details: object{"param_name": "ids", "limit": crm.MassUpdateMax}}
	case len(body.Data) == 0:
		return problem{status: 400, code: "MANDATORY_NOT_FOUND", message: "required field not found",
			details: object{"api_name": "data", "json_path": "$.data"}}
	case len(body.Data) > 1 || len(body.Data[0]) != 1:
		return errOneField
	}
	ids := make([]record.ID, len(body.IDs))
	for i, text := range body.IDs {
		ids[i], _ = record.ParseID(text)
	}
	raw, err := json.Marshal(body.Data[0])
	if err != nil {
		return err
	}
	draft, err := c.decode(raw, nil)
	if err != nil {
		return c.place(err, "$.data[0]")
	}
	if draft.Fields[record.FurtherReminders] == "" { // those of before go with the one reminder given
		delete(draft.Fields, record.FurtherReminders)
	}
	if len(draft.Fields) != 1 {
		return errOneField // such as Owner: that is a change of owner
	}
	for field, value := range draft.Fields {
		results, err := c.CRM.MassUpdate(c.r.Context(), c.actor, c.module.kind, ids, field, value)
		if err != nil {
			return c.place(err, "$.data[0]")
		}
		return c.answerResults(results, outcome{status: http.StatusOK, message: "record updated", path: "$.ids[%d]", times: true})
	}
	return nil
}

// place tells where in the request an error is, if it is one of the caller's.
func (c *call) place(err error, path string) error {
	if p, ok := c.told(err); ok && p.details["api_name"] != nil {
		return p.at(path)
	}
	return err
}

// outcome says how a write tells of what it did.
type outcome struct {
	status   int    // when all went well
	message  string // of each record that did
	path     string // of each record that did not, with its place
	times    bool   // tell when it was made and changed, and by whom
	approval bool
}

// answerResults answers with one element for each record, in order: 207 if only some went well; if none did, the
// status of the first.
func (c *call) answerResults(results []crm.Result, o outcome) error {
	data := make([]any, len(results))
	good, status := 0, 0
	for i, r := range results {
		if r.Err == nil {
			good++
			data[i] = c.success(r.Record, o)
			continue
		}
		p, ok := c.told(r.Err)
		if !ok {
			return r.Err
		}
		if fault.Is(r.Err, fault.NotFound) {
			p.status = http.StatusBadRequest
		}
		if status == 0 {
			status = p.status
		}
		data[i] = p.at(fmt.Sprintf(o.path, i))
	}
	switch {
	case good == len(results):
		status = o.status
	case good > 0:
		status = http.StatusMultiStatus
	}
	return c.answer(status, object{"data": data})
}

func (c *call) success(r crm.Record, o outcome) object {
	details := object{"id": r.ID.String()}
	if o.times {
		details["Created_Time"], details["Modified_Time"] = c.time(r.CreatedAt), c.time(r.ModifiedAt)
		details["Created_By"], details["Modified_By"] = c.person(r.CreatedBy), c.person(r.ModifiedBy)
	}
	if o.approval {
		details["$approval_state"] = "approved"
	}
	return object{"code": "SUCCESS", "details": details, "message": o.message, "status": "success"}
}
