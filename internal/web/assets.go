package web

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// built holds what build.mjs made of src/: bundles with a hash of their content in the name, their licences, and
// manifest.json that joins plain names to built ones. Without Node it is empty: pages then come unstyled and say so.
//
//go:embed all:dist
var built embed.FS

// assets finds built files by their plain names.
type assets struct {
	files fs.FS
	names map[string]string // "app.css" -> "app-4F7QH2.css"
}

func loadAssets() assets {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		panic(err) // the directory is embedded
	}
	a := assets{files: files, names: map[string]string{}}
	if raw, err := fs.ReadFile(files, "manifest.json"); err == nil {
		if json.Unmarshal(raw, &a.names) != nil {
			a.names = map[string]string{}
		}
	}
	return a
}

// missing reports that the front end was not built.
func (a assets) missing() bool { return len(a.names) == 0 }

// url is the address of a built file, or "" when there is none.
func (a assets) url(name string) string {
	if file, ok := a.names[name]; ok {
		return "/static/" + file
	}
	return ""
}

// forever suits names that change with their content.
const forever = "public, max-age=31536000, immutable"

// static serves built files, compressed to whoever takes it; everything else below /static/ does not exist.
func (s *Site) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	kind, ok := served[path.Ext(name)]
	if _, err := fs.Stat(s.assets.files, name); err != nil || !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", forever)
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	if _, err := fs.Stat(s.assets.files, name+".gz"); err == nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		name += ".gz"
	}
	http.ServeFileFS(w, r, s.assets.files, name)
}

// served are the types of built files that browsers may have.
var served = map[string]string{
	".js":  "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
}
