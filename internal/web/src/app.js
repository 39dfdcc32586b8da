// Everything that pages need besides the calendar: htmx for parts that are asked for anew, and small helps that pages
// also work without.
import "htmx.org";
import "./live.js";
import "./menus.js";
import "./event-form.js";
import "./users.js";
import "./own.js";
import "./mapping.js";
import "./keys.js";
import "./chosen.js";
import "./who.js";
import "./inline.js";

document.documentElement.classList.add("scripted");

// Whoever is told that something is wrong begins there.
document.querySelector('[aria-invalid="true"]')?.focus();

for (const form of document.querySelectorAll("[data-submit-on-change]")) {
  form.addEventListener("change", () => form.requestSubmit());
}
