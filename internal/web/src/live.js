// Listens for what changes in the organization and says so on the body as live-contacts, live-calendar or live-links;
// parts of pages then ask for themselves anew. Browsers allow few connections to a host, so all tabs share one stream:
// whoever holds the lock listens and tells the others.
const address = document.body.dataset.live;

function tell(topic) {
  document.body.dispatchEvent(new CustomEvent(`live-${topic}`));
}

// listen ends when the server refuses: signed out, or too many streams. true: it had let us in before. silent says that
// something may have been missed already.
function listen(pass, silent) {
  return new Promise((end) => {
    let welcome = false;
    const source = new EventSource(address);
    source.addEventListener("hello", () => {
      // After a gap nobody knows what was missed.
      if (silent) for (const topic of ["contacts", "calendar", "links"]) pass(topic);
      silent = false;
      welcome = true;
    });
    source.addEventListener("change", (event) => pass(event.data));
    source.addEventListener("error", () => {
      silent = true;
      if (source.readyState === EventSource.CLOSED) end(welcome);
    });
  });
}

async function listenAlways(pass, silent) {
  for (let pause = 5; ; pause = Math.min(pause * 2, 300)) {
    if (await listen(pass, silent)) pause = 5;
    silent = true;
    await new Promise((again) => setTimeout(again, pause * 1000));
  }
}

if (address) {
  if (navigator.locks && "BroadcastChannel" in window) {
    const others = new BroadcastChannel("tandem-live");
    others.addEventListener("message", (event) => tell(event.data));
    const asked = performance.now();
    navigator.locks.request("tandem-live", () =>
      listenAlways((topic) => {
        tell(topic);
        others.postMessage(topic);
      }, performance.now() - asked > 1000), // who had to wait takes over from a tab that closed, and may have missed some
    );
  } else {
    listenAlways(tell, false);
  }
}
