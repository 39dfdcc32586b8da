package crmapi

import (
	"net/http"
	"slices"
	"time"

	"tandem/internal/crm"
	"tandem/internal/fault"
	"tandem/internal/record"
	"tandem/internal/zone"
)

// modules answers GET /settings/modules.
func (c *call) modules() error {
	var list []object
	for i, name := range moduleOrder {
		list = append(list, modules[name].describe(i, c.actor)) // whose fields are not told here
	}
	return c.answer(http.StatusOK, object{"modules": list})
}

// oneModule answers GET /settings/modules/{name}.
func (c *call) oneModule() error {
	m := modules[c.args["name"]]
	if m == nil {
		return invalidModule(1)
	}
	return c.answer(http.StatusOK, object{"modules": []object{m.describe(slices.Index(moduleOrder, m.name), c.actor)}})
}

func invalidModule(place int) error {
	return problem{status: http.StatusBadRequest, code: "INVALID_MODULE", message: "the module name given seems to be invalid",
		details: object{"resource_path_index": place}}
}

// describe tells of a module, and what whoever asks may do with its records.
func (m *module) describe(place int, a crm.Actor) object {
	may := a.May(m.kind)
	return object{
		"id": derived("module", m.name), "api_name": m.name, "module_name": m.name, "singular_label": m.singular,
		"plural_label": m.plural, "api_supported": true, "creatable": creates(may), "editable": edits(may),
		"deletable": deletes(may), "viewable": views(may), "visible": views(may), "recycle_bin_on_delete": true, "generated_type": "default",
		"status": "visible", "sequence_number": place + 1, "per_page": maxPage,
	}
}

// fields answers GET /settings/fields?module=.
func (c *call) fields() error {
	m, err := c.asked()
	if err != nil {
		return err
	}
	var list []object
	kind := c.r.URL.Query().Get("type") // used, unused or all; nothing means used
	if kind != "unused" {
		for i, col := range m.columns {
			list = append(list, m.describeColumn(i, col))
		}
	}
	if kind == "unused" || kind == "all" {
		out, err := c.outOfUse(m)
		if err != nil {
			return err
		}
		for _, col := range out.columns {
			if col.unused {
				list = append(list, m.describeColumn(len(list), col))
			}
		}
	}
	return c.noContent("fields", list, nil)
}

// outOfUse is a module with those fields, too, that its organization has taken out of use.
func (c *call) outOfUse(m *module) (*module, error) {
	schema, err := c.CRM.Unused(c.r.Context(), c.user.Org, m.kind)
	if err != nil {
		return nil, err
	}
	out := newModule(m.name, m.singular, m.plural, m.schema.With(schema.Own()...))
	for i, col := range out.columns {
		_, unused := schema.Def(record.Field(col.name))
		out.columns[i].unused = unused && col.custom
	}
	return out, nil
}

// oneField answers GET /settings/fields/{id}?module=.
func (c *call) oneField() error {
	m, err := c.asked()
	if err != nil {
		return err
	}
	for i, col := range m.columns {
		if m.columnID(col) == c.args["id"] {
			return c.answer(http.StatusOK, object{"fields": []object{m.describeColumn(i, col)}})
		}
	}
	return kinds[fault.NotFound]
}

// asked is the module that the parameter names.
func (c *call) asked() (*module, error) {
	name := c.r.URL.Query().Get("module")
	if name == "" {
		return nil, missingParam("module")
	}
	m := c.moduleNamed(name)
	if m == nil {
		return nil, problem{status: http.StatusBadRequest, code: "INVALID_MODULE",
			message: "the module name given seems to be invalid", details: object{"param_name": "module"}}
	}
	return m, nil
}

func (m *module) columnID(col column) string { return derived("field", m.name, col.name) }

// describeColumn tells what a field holds and what may be done with it.
func (m *module) describeColumn(place int, col column) object {
	choices := []object{}
	if len(col.choices) > 0 {
		all := col.choices
		if col.standard == "" {
			all = append([]string{"-None-"}, all...)
		}
		for i, value := range all {
			choices = append(choices, object{
				"display_value": value, "actual_value": value, "reference_value": value, "type": "used",
				"sequence_number": i + 1, "id": derived("choice", m.name, col.name, value),
			})
		}
	}
	out := object{
		"id": m.columnID(col), "api_name": col.name, "field_label": col.label, "display_label": col.label,
		"data_type": col.dataType, "json_type": col.jsonType, "length": nil, "decimal_place": nil,
		"system_mandatory": col.mandatory, "read_only": col.readOnly, "field_read_only": col.readOnly,
		"custom_field": col.custom, "visible": true, "unique": object{}, "mass_update": col.massUpdate && !col.readOnly,
		"searchable": true, "filterable": true, "virtual_field": false, "type": "used", "sequence_number": place + 1,
		"sortable":         slices.Contains([]string{"id", "Created_Time", "Modified_Time"}, col.name),
		"pick_list_values": choices,
		"operation_type": object{
			"api_create": !col.readOnly, "api_update": !col.readOnly, "web_create": !col.readOnly, "web_update": !col.readOnly},
	}
	if col.length > 0 {
		out["length"] = col.length
	}
	if col.unused {
		out["type"], out["visible"] = "unused", false
	}
	switch col.dataType {
	case "double":
		out["decimal_place"] = decimalPlaces
	case "textarea":
		out["textarea"] = object{"type": "large"}
	case "lookup":
		to := lookups[record.Field(col.name)]
		out["lookup"] = object{"module": object{"api_name": to, "id": derived("module", to)}, "display_label": m.plural}
	}
	return out
}

func zoneOr(name string) *time.Location {
	if loc, ok := zone.Load(name); ok {
		return loc
	}
	return time.UTC
}
