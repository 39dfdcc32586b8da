// Listens for what changes in the organization, and sends the event "live" to those parts of the page that say in
// data-topics that it concerns them; they then ask for themselves anew. Browsers allow few connections to a host, so all tabs share one stream:
// whoever holds the lock listens and tells the others.
const address = document.body.dataset.live;
const topics = ["contacts", "calendar", "links", "users"];

const news = new Set();
let telling;

// While a form is about to renew a part (another search, another filter), the part does not ask for itself: its answer would bring
// back what the form has just left. hx-sync sees to that; what is told meanwhile is made up for when the form's answer is there.
const asking = new Map(); // by the part's id: the forms' requests under way
const late = new Set();
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement === ctx.target || !ctx.target?.matches?.("[data-topics]")) return;
  const requests = asking.get(ctx.target.id) ?? new Set();
  asking.set(ctx.target.id, requests.add(ctx));
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  for (const [id, requests] of asking) {
    if (!requests.delete(ctx) || requests.size > 0) continue;
    asking.delete(id);
    // The form's request is still counted as under way now.
    if (late.delete(id)) setTimeout(() => document.getElementById(id)?.dispatchEvent(new CustomEvent("live")));
  }
});

function tell(topic) {
  news.add(topic);
  telling ??= setTimeout(() => {
    for (const part of document.querySelectorAll("[data-topics]")) {
      if (!part.dataset.topics.split(" ").some((each) => news.has(each))) continue;
      if (asking.has(part.id)) late.add(part.id);
      else part.dispatchEvent(new CustomEvent("live"));
    }
    news.clear();
    telling = undefined;
  }, 20);
}

// listen ends when the server refuses: signed out, or too many streams. true: it had let us in before. What happened
// between the rendering of a page, or the end of the last stream, and the hello was heard by nobody: so it tells all.
function listen(pass) {
  return new Promise((end) => {
    let welcome = false;
    const source = new EventSource(address);
    source.addEventListener("hello", () => {
      welcome = true;
      topics.forEach(pass);
    });
    source.addEventListener("change", (event) => pass(event.data));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) end(welcome);
    });
  });
}

async function listenAlways(pass) {
  for (let pause = 5; ; pause = Math.min(pause * 2, 300)) {
    if (await listen(pass)) pause = 5;
    await new Promise((again) => setTimeout(again, pause * 1000));
  }
}

async function share() {
  const others = new BroadcastChannel("tandem-live");
  others.addEventListener("message", (event) => tell(event.data));
  const forAll = () =>
    listenAlways((topic) => {
      tell(topic);
      others.postMessage(topic);
    });
  await navigator.locks.request("tandem-live", { ifAvailable: true }, (lock) => lock && forAll());
  topics.forEach(tell); // another tab listens, and may have done so before this one could hear it
  await navigator.locks.request("tandem-live", forAll);
}

if (address) {
  if (navigator.locks && "BroadcastChannel" in window) share();
  else listenAlways(tell);
}
