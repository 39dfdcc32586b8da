package intake

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"tandem/internal/importfile"
	"tandem/internal/record"
)

var (
	isoDay    = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.*))?$`)
	localDay  = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:,?\s+(.*))?$`)
	birthday  = regexp.MustCompile(`^(\d{1,2})(?:[-/](\d{1,2})|\.(\d{1,2})\.)$`)
	bareDay   = regexp.MustCompile(`^--(\d{2})-?(\d{2})$`)
	packedDay = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	clockForm = regexp.MustCompile(`(?i)^(\d{1,2})(?:[:h.](\d{2}))?(?:[:m.](\d{2})(?:[.,]\d+)?)?\s*(am|pm|a\.m\.|p\.m\.|h)?s?$`)
)

// cutDay reads the day that a text begins with and gives the rest, which should be a clock. A year of two digits lies in the
// hundred years that end ten years after 2026: 36 is 2036, 37 is 1937.
func cutDay(text string, order importfile.DayOrder) (_ time.Time, rest string, ok bool) {
	text = strings.TrimSpace(text)
	var y, m, d string
	switch parts := isoDay.FindStringSubmatch(text); {
	case parts != nil:
		y, m, d, rest = parts[1], parts[2], parts[3], parts[4]
	default:
		if parts = packedDay.FindStringSubmatch(text); parts != nil {
			y, m, d = parts[1], parts[2], parts[3]
			break
		}
		if parts = localDay.FindStringSubmatch(text); parts == nil {
			return time.Time{}, "", false
		}
		d, m, y, rest = parts[1], parts[2], parts[3], parts[4]
		if order == importfile.MonthFirst {
			d, m = m, d
		}
		if len(y) == 2 {
			if y > "36" {
				y = "19" + y
			} else {
				y = "20" + y
			}
		}
	}
	if len(m) == 1 {
		m = "0" + m
	}
	if len(d) == 1 {
		d = "0" + d
	}
	day, err := time.Parse(time.DateOnly, y+"-"+m+"-"+d)
	return day, strings.TrimSpace(rest), err == nil
}

// readDay reads a day; a midnight behind it is passed over, as spreadsheets write one. --12-31 is a day without a year.
func readDay(text string, order importfile.DayOrder) (time.Time, bool) {
	if parts := bareDay.FindStringSubmatch(strings.TrimSpace(text)); parts != nil {
		text = strconv.Itoa(record.NoYear) + "-" + parts[1] + "-" + parts[2]
	}
	day, rest, ok := cutDay(text, order)
	if !ok || rest == "" {
		return day, ok
	}
	h, m, s, ok := readClock(strings.TrimSuffix(rest, "Z"))
	return day, ok && h+m+s == 0
}

// readBirthday reads a day that may lack its year: 31/12 is hardly a month of 2012 there.
func readBirthday(text string, order importfile.DayOrder) (time.Time, bool) {
	if parts := birthday.FindStringSubmatch(strings.TrimSpace(text)); parts != nil {
		text = parts[1] + "/" + parts[2] + parts[3] + "/" + strconv.Itoa(record.NoYear)
	}
	return readDay(text, order)
}

// readClock reads a time of the day: 9:30, 09:30:00, 9h30, 9:30 PM, 9 pm.
func readClock(text string) (h, m, s int, ok bool) {
	parts := clockForm.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil || parts[2] == "" && parts[4] == "" {
		return 0, 0, 0, false
	}
	n := func(i int) int {
		v, err := strconv.Atoi(parts[i])
		if err != nil { // "": the pattern lets nothing else through
			return 0
		}
		return v
	}
	h, m, s = n(1), n(2), n(3)
	switch strings.ToLower(strings.ReplaceAll(parts[4], ".", "")) {
	case "pm":
		if h > 12 || h == 0 {
			return 0, 0, 0, false
		}
		h = h%12 + 12
	case "am":
		if h > 12 || h == 0 {
			return 0, 0, 0, false
		}
		h %= 12
	}
	return h, m, s, h < 24 && m < 60 && s < 60
}

// readBool reads a yes or no as programs and people write it.
func readBool(text string) (value, ok bool) {
	switch Key(text) {
	case "true", "yes", "y", "1", "x", "on", "verdadeiro", "sim", "s", "v", "t":
		return true, true
	case "false", "no", "n", "0", "off", "falso", "nao", "f", "":
		return false, true
	}
	return false, false
}

// readNumber reads a number with marks between thousands.
func readNumber(text string, comma bool) (string, bool) {
	text = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' {
			return -1
		}
		return r
	}, text)
	point, thousands := ".", ","
	if comma {
		point, thousands = ",", "."
	}
	whole, fraction, broken := strings.Cut(text, point)
	if !grouped(whole, thousands) || strings.Contains(fraction, thousands) {
		return "", false
	}
	plain := strings.ReplaceAll(whole, thousands, "")
	if broken {
		plain += "." + fraction
	}
	n, ok := record.Decimal(plain)
	return string(n), ok
}

// grouped reports whether marks stand between thousands only.
func grouped(whole, mark string) bool {
	parts := strings.Split(strings.TrimLeft(whole, "+-"), mark)
	for i, p := range parts {
		if i > 0 && len(p) != 3 || len(parts) > 1 && i == 0 && (len(p) == 0 || len(p) > 3) {
			return false
		}
	}
	return true
}

// choices are other names of values of the standard picklists, in the form of Key.
var choices = map[record.Field]map[string]string{
	record.Salutation: {"mr": "Mr.", "sr": "Mr.", "senhor": "Mr.", "mrs": "Mrs.", "sra": "Mrs.", "senhora": "Mrs.", "ms": "Ms.", "srta": "Ms.", "dr": "Dr.", "dra": "Dr.",
		"doutor": "Dr.", "doutora": "Dr.", "prof": "Prof.", "profa": "Prof.", "professor": "Prof.", "professora": "Prof."},
	record.ShowAs: {"livre": "free", "disponivel": "free", "tentative": "tentative", "provisorio": "tentative", "ocupado": "busy", "out of office": "oof", "away": "oof",
		"fora do escritorio": "oof", "ausente": "oof", "working elsewhere": "workingElsewhere", "trabalhando em outro lugar": "workingElsewhere",
		"1": "tentative", "2": "busy", "3": "free", "4": "oof"}, // Outlook's files have numbers
	record.Sensitivity: {"pessoal": "personal", "particular": "private", "privado": "private", "true": "private", "verdadeiro": "private", "sim": "private", "yes": "private",
		"false": "normal", "falso": "normal", "nao": "normal", "no": "normal", "public": "normal", "publico": "normal", "confidencial": "confidential"},
	record.Importance: {"alta": "high", "alto": "high", "media": "normal", "medium": "normal", "baixa": "low", "baixo": "low"},
}

// readChoice finds the value of a picklist that a text means, whatever its letter case; what is none stays as it is.
func readChoice(def record.Def, text string) record.Value {
	key := Key(text)
	for _, value := range def.Values {
		if strings.EqualFold(value, text) || Key(value) == key && key != "" {
			return record.Value(value)
		}
	}
	if value, ok := choices[def.Name][key]; ok && !def.Custom {
		return record.Value(value)
	}
	return record.Value(text)
}
