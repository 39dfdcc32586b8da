// Listens for what changes in the organization and says so on the body as live-contacts, live-calendar or live-links;
// parts of pages then ask for themselves anew. Browsers allow few connections to a host, so all tabs share one stream:
// whoever holds the lock listens and tells the others.
const address = document.body.dataset.live;

function tell(topic) {
  document.body.dispatchEvent(new CustomEvent(`live-${topic}`));
}

function listen(pass) {
  return new Promise((lost) => {
    const source = new EventSource(address);
    let silent = false;
    source.addEventListener("hello", () => {
      // After a gap nobody knows what was missed.
      if (silent) for (const topic of ["contacts", "calendar", "links"]) pass(topic);
      silent = false;
    });
    source.addEventListener("change", (event) => pass(event.data));
    source.addEventListener("error", () => {
      silent = true;
      if (source.readyState === EventSource.CLOSED) setTimeout(lost, 15000); // refused: signed out, or too many
    });
  });
}

async function listenAlways(pass) {
  for (;;) await listen(pass);
}

if (address) {
  if (navigator.locks && "BroadcastChannel" in window) {
    const others = new BroadcastChannel("tandem-live");
    others.addEventListener("message", (event) => tell(event.data));
    navigator.locks.request("tandem-live", () =>
      listenAlways((topic) => {
        tell(topic);
        others.postMessage(topic);
      }),
    );
  } else {
    listenAlways(tell);
  }
}
