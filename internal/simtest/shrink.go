package simtest

import "regexp"

var particulars = regexp.MustCompile(`[0-9]+|"[^"]*"`)

// like reports whether two failures are the same but for numbers and values.
func (f *Failure) like(o *Failure) bool {
	return f != nil && o != nil && f.Check == o.Check && particulars.ReplaceAllString(f.Message, "") == particulars.ReplaceAllString(o.Message, "")
}

// Shrink looks for a short story of a failure: it leaves out moves, first many at once and then single ones, as long as the
// same check still fails. tries bounds how many worlds it lives through.
func Shrink(c Config, tries int) (Config, Result, error) {
	best, err := Run(c)
	if err != nil || best.Failure == nil {
		return c, best, err
	}
	keep := c.Keep
	if keep == nil {
		for i := range best.Moves {
			keep = append(keep, i)
		}
	}
	for size := len(keep) / 2; size >= 1 && tries > 0; {
		shorter := false
		for from := 0; from < len(keep) && tries > 0; {
			rest := append([]int{}, keep[:from]...)
			rest = append(rest, keep[min(from+size, len(keep)):]...)
			tries--
			r, err := Run(Config{Seed: c.Seed, Keep: rest, Defect: c.Defect})
			if err != nil {
				return c, best, err
			}
			if r.Failure.like(best.Failure) {
				keep, best, shorter = rest, r, true
			} else {
				from += size
			}
		}
		if !shorter {
			size /= 2
		} else {
			size = min(size, max(1, len(keep)/2))
		}
	}
	c.Keep = keep
	return c, best, nil
}
