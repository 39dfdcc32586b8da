package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// heart are the packages without HTTP, SQL or a clock of their own.
var heart = []string{"account", "crm", "exportfile", "fault", "importfile", "intake", "mapping", "massupdate", "phone", "picture", "reconcile", "record", "recur"}

// TestHouse_TheHeartHasNoHTTPSQLOrClock follows the imports of the heart to their ends, and looks for calls that ask the
// machine for the time.
func TestHouse_TheHeartHasNoHTTPSQLOrClock(t *testing.T) {
	t.Parallel()
	for _, room := range heart {
		deps, err := exec.Command("go", "list", "-deps", "./"+room).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", room, err)
		}
		for _, dep := range strings.Fields(string(deps)) {
			if dep == "net/http" || strings.HasPrefix(dep, "database/sql") || dep == "os/exec" {
				t.Errorf("%s reaches %s", room, dep)
			}
			if inside, ok := strings.CutPrefix(dep, "tandem/internal/"); ok && inside != "zone" && !slices.Contains(heart, inside) {
				t.Errorf("%s knows the room %s", room, inside)
			}
		}
		for _, file := range sources(t, room) {
			findClock(t, room, file)
		}
	}
}

// TestHouse_RoomsOfOneBandDoNotKnowEachOther: they meet in app.
func TestHouse_RoomsOfOneBandDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	for room, allowed := range map[string][]string{
		"web": {"zone"}, "crmapi": {"zone"}, "store": {"zone"}, "jobs": {"store"}, "mail": {},
		"graph": {"zone"}, "outlook": {"graph", "zone"}, "credential": {}, "m365sim": {}, "zone": {},
	} {
		deps, err := exec.Command("go", "list", "-f", "{{join .Imports \"\\n\"}}", "./"+room).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", room, err)
		}
		for _, dep := range strings.Fields(string(deps)) {
			inside, ok := strings.CutPrefix(dep, "tandem/internal/")
			if ok && !slices.Contains(allowed, inside) && (room == "m365sim" || !slices.Contains(heart, inside)) {
				t.Errorf("%s knows the room %s", room, inside)
			}
		}
	}
}

func sources(t *testing.T, room string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(room, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
}

var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}

func findClock(t *testing.T, room, file string) {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
				t.Errorf("%s: %s asks the machine for the time (time.%s)", room, fset.Position(n.Pos()), sel.Sel.Name)
			}
		}
		return true
	})
}
