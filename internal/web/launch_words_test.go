package web

import "tandem/internal/account"

// launchKeys are the keys that the pages of the ways in put together from parts.
func launchKeys() (keys []string) {
	for door := range launchStatus {
		switch door {
		case account.Inactive: // has the words of problem.deactivated
		case doorOver: // says the reason
			keys = append(keys, "launch."+string(door)+".title")
		default:
			keys = append(keys, "launch."+string(door)+".title", "launch."+string(door)+".text")
		}
	}
	for _, was := range outcomes {
		keys = append(keys, "consent.was."+was)
	}
	return append(keys, "launch.nobody_yet.guest", "launch.waiting.no_mail", "flash.joined", "flash.installed")
}
