package web

import "strings"

// What browsers call themselves in their user agents, the more special sign first: nearly all say Chrome or Safari too.
var (
	browserSigns = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemSigns = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
)

// browser names a browser by its user agent, as its owner would: "Firefox on Windows".
func (w *words) browser(agent string) string {
	browser, system := signed(agent, browserSigns), signed(agent, systemSigns)
	switch {
	case browser == "" && system == "":
		return w.T("own.agent_unknown")
	case system == "":
		return browser
	case browser == "":
		return system
	}
	return w.T("own.agent", "Browser", browser, "System", system)
}

func signed(agent string, signs [][2]string) string {
	for _, s := range signs {
		if strings.Contains(agent, s[0]) {
			return s[1]
		}
	}
	return ""
}
