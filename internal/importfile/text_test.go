package importfile

import "testing"

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{
		"a byte order mark":           {"\xef\xbb\xbfA\r\nB\rC", "A\nB\nC"},
		"an old charset":              {"A\nS\xe3o Paulo\nJos\u00e9", "A\nSão Paulo\nJosé"},
		"a fold inside a letter":      {"S:\xe6\x99\r\n \x82\r\nT:\u00e9", "S:時\nT:é"},
		"folds are left as they are":  {"S:a\n b", "S:a\n b"},
		"several folds within letter": {"S:\xe6\n \x99\n \x82", "S:時"},
	} {
		if got := Decode([]byte(c[0])); got != c[1] {
			t.Errorf("%s: got %q, want %q", name, got, c[1])
		}
	}
}
