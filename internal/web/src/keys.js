// Letters alone as shortcuts, where the person has not switched them off. Pages say so in data-keys of the body.
const places = { h: "/", c: "/contacts", k: "/calendar", s: "/status", b: "/recycle-bin" };
const patience = 1500; // milliseconds between g and the letter after it
let since = 0;

const typing = (target) =>
  target instanceof Element && (target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog") || target.isContentEditable);

async function help() {
  const card = document.getElementById("shortcuts");
  if (!card || card.open) return;
  const answer = await fetch("/shortcuts", { headers: { "HX-Request": "true", "HX-Target": "div#shortcuts" } });
  if (!answer.ok || answer.redirected) return location.assign("/shortcuts");
  card.querySelector("[data-card]").innerHTML = await answer.text();
  card.showModal();
}

// The page's own way to make something, or that of contacts.
const fresh = () => document.querySelector("#main a[href='/calendar/new'], #main a[href='/contacts/new']")?.href ?? "/contacts/new";

if (document.body.dataset.keys) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const after = event.timeStamp - since < patience;
    since = 0;
    const go = (path) => {
      event.preventDefault();
      location.assign(path);
    };
    if (after && places[event.key]) return go(places[event.key]);
    switch (event.key) {
      case "/": {
        event.preventDefault();
        const box = document.getElementById("find");
        if (box?.offsetParent) box.select();
        else location.assign("/search");
        break;
      }
      case "?":
        event.preventDefault();
        help();
        break;
      case "n":
        go(fresh());
        break;
      case "g":
        since = event.timeStamp;
    }
  });
}

// On the page of the search alone, one has come to type.
const here = document.getElementById("find-here");
if (here && !here.value) here.focus();
