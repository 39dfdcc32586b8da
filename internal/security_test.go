package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// levelTwo is how many requirements each section of ASVS 5.0.0 has at levels 1 and 2. In all of them these come before those of
// level 3. Sections that are left out have none.
var levelTwo = map[string]int{
	"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
	"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
	"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
	"4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
	"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
	"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
	"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
	"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
	"9.1": 3, "9.2": 4,
	"10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
	"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
	"12.1": 3, "12.2": 2, "12.3": 4,
	"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
	"14.1": 2, "14.2": 4, "14.3": 3,
	"15.1": 3, "15.2": 3, "15.3": 7,
	"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
	"17.1": 1, "17.2": 4, "17.3": 2,
}

var (
	requirement = regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \| [^|]+ \| (\S+) \|(.*)\|$`)
	proof       = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	place       = regexp.MustCompile("`([a-z0-9]+(?:/[A-Za-z0-9_.-]+)+)`")
)

// TestTheWalkThroughASVSIsWhole: docs/security.md has a row for every requirement, what it says to be met says where, and the tests and
// files that it names are there.
func TestTheWalkThroughASVSIsWhole(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	var want, got []string
	for section, n := range levelTwo {
		for i := range n {
			want = append(want, fmt.Sprintf("%s.%d", section, i+1))
		}
	}
	for _, row := range requirement.FindAllStringSubmatch(text, -1) {
		got = append(got, row[1])
		if !slices.Contains([]string{"yes", "partly", "no", "n/a"}, row[2]) {
			t.Errorf("%s is met %q", row[1], row[2])
		}
		if (row[2] == "partly" || row[2] == "no") && strings.TrimSpace(row[3]) == "" {
			t.Errorf("%s does not say what is missing", row[1])
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	for _, id := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(want), got...)))) {
		if a, b := count(want, id), count(got, id); a != b {
			t.Errorf("requirement %s stands there %d times, not %d", id, b, a)
		}
	}
	tests := testNames(t)
	for _, name := range proof.FindAllStringSubmatch(text, -1) {
		if !tests[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
	for _, path := range place.FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(path[1], "golang.org/") || path[1] == "log/slog" || path[1] == "net/http" || path[1] == "net/url" ||
			strings.HasPrefix(path[1], "encoding/") || strings.HasPrefix(path[1], "crypto/") || path[1] == "html/template" {
			continue
		}
		_, err := os.Stat(filepath.FromSlash(path[1]))
		if err != nil {
			_, err = os.Stat(filepath.Join("..", filepath.FromSlash(path[1])))
		}
		if err != nil && path[1] != "testdata/persons.golden" {
			t.Errorf("there is no %s", path[1])
		}
	}
}

func count(all []string, one string) (n int) {
	for _, each := range all {
		if each == one {
			n++
		}
	}
	return n
}

// testNames are those of all tests and fuzz targets of the house.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return skip(err)
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// skip passes over a directory unless reading it failed.
func skip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
