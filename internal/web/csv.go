package web

import "encoding/csv"

// csvFile begins a file of values for the browser to keep (RFC 4180), of which the first line names the columns. It begins with
// the mark of UTF-8, because Excel, in which people open it, takes the file for one of its own old code page else.
func (v *visit) csvFile(name string, columns ...string) *csv.Writer {
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	h.Set("Cache-Control", "no-store")
	out := csv.NewWriter(v.w)
	out.UseCRLF = true
	_, _ = v.w.Write([]byte("\uFEFF")) // whoever went away needs no answer
	_ = out.Write(columns)
	return out
}
