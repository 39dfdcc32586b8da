// The page of a contact or an event is edited where its values stand: Enter saves one field, Escape takes back what was typed, Tab
// goes on and leaves it as typed. What others or sync save meanwhile comes into the page at once, except into a field in which
// something is typed: there both are shown, and one chooses. Nothing here decides: a field is sent as the form with nothing else
// changed, at the version that was seen, and the server answers as it would to the form.
import htmx from "htmx.org";

// What a page has besides the form, by where it is found, so that it can be brought up to date whole.
const parts = [".crumbs", ".page-head", "#invitees", "#people", "#event-mail", "#who", "#repeat-said", "dl.facts", "#contact-timeline", ".meets"];
const form = document.querySelector("form[data-inline]");
if (form) begin();

function begin() {
  const words = form.dataset;
  const here = location.pathname + location.search;
  const said = document.getElementById("inline-said");
  const mould = document.getElementById("inline-deeds").content.firstElementChild;
  const conflicts = new Map(); // controls in which something is typed, and what became stored meanwhile
  let latest = form.elements.version.value; // the version of all that is here but what is typed
  let work = Promise.resolve(); // one thing after the other: a save, or news

  const names = (c) => c.name && !["hidden", "submit", "button", "fieldset"].includes(c.type) && !c.disabled;
  const controls = () => [...form.elements].filter(names);
  const alone = (c) => !c.readOnly && c.form === form && c.closest("form") === form && !c.closest("#people, #who");
  const ticks = (c) => c.type === "checkbox" || c.type === "radio";
  const lines = (text) => text.replaceAll("\r\n", "\n");

  const base = (c) => {
    if (ticks(c)) return c.defaultChecked;
    if (c.localName === "select") return ([...c.options].find((o) => o.defaultSelected) ?? c.options[0])?.value ?? "";
    return lines(c.defaultValue);
  };
  const now = (c) => (ticks(c) ? c.checked : c.value);
  const stored = (c) => (conflicts.has(c) ? conflicts.get(c) : base(c));
  const dirty = (c) => now(c) !== base(c);
  const setBase = (c, value) => {
    const typed = now(c); // what nobody has touched would follow
    if (ticks(c)) c.defaultChecked = value;
    else if (c.localName === "select") for (const o of c.options) o.defaultSelected = o.value === value;
    else c.defaultValue = value;
    if (now(c) !== typed) setNow(c, typed);
  };
  const setNow = (c, value) => {
    if (["date", "datetime-local"].includes(c.type) && /^f-(Start|End)_DateTime$/.test(c.id)) c.type = value.length === 10 ? "date" : "datetime-local";
    if (ticks(c)) c.checked = value;
    else c.value = value;
  };

  // Fields that make sense only together (when an event is, and how it repeats) are saved and taken back together.
  const unit = (c) => {
    const group = c.closest("[data-unit]")?.dataset.unit;
    return group ? controls().filter((each) => each.closest("[data-unit]")?.dataset.unit === group) : controls().filter((each) => each.name === c.name);
  };
  const place = (c) => c.closest(".field");
  const label = (c) => {
    const own = c.closest("[data-unit]")?.querySelector("legend") ?? c.labels?.[0];
    return own?.textContent.replace("*", "").trim() ?? c.name;
  };
  const tell = (key, name, value) => (said.textContent = words[key].replace("%n", name).replace("%v", value ?? ""));

  // mark shows beside a field that something is typed in it, and the two ways to go on.
  const mark = (c) => {
    if (!alone(c) || !place(c)) return;
    const whole = unit(c);
    for (const each of whole) place(each)?.classList.toggle("typed", whole.some((other) => place(other) === place(each) && dirty(other)));
    const old = whole.map((each) => place(each)?.querySelector(":scope > .inline-deeds")).find(Boolean);
    const field = place(dirty(c) ? c : whole.find(dirty) ?? c);
    if (old?.parentElement === field && whole.some(dirty)) return;
    old?.remove();
    if (!whole.some(dirty)) return;
    const deeds = mould.cloneNode(true);
    for (const button of deeds.children) button.setAttribute("aria-label", `${button.title}: ${label(c)}`);
    deeds.children[0].addEventListener("click", () => save(c));
    deeds.children[1].addEventListener("click", () => {
      back(c);
      c.focus();
    });
    field.append(deeds);
  };
  const refuse = (c, paragraph) => {
    place(c).append(paragraph);
    place(c).classList.add("wrong");
    c.setAttribute("aria-invalid", "true");
    c.setAttribute("aria-describedby", [...new Set([...(c.getAttribute("aria-describedby") ?? "").split(" "), paragraph.id])].join(" ").trim());
  };
  const allow = (c) => {
    place(c)?.querySelectorAll(":scope > .error, :scope > .inline-choice").forEach((each) => each.remove());
    place(c)?.classList.remove("wrong");
    c.removeAttribute("aria-invalid");
    const described = (c.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => document.getElementById(id));
    if (described.length) c.setAttribute("aria-describedby", described.join(" "));
    else c.removeAttribute("aria-describedby");
  };
  const complaint = (c, text) => {
    const paragraph = Object.assign(document.createElement("p"), { className: "error", id: `${c.id}-error`, textContent: text });
    paragraph.setAttribute("role", "alert");
    return paragraph;
  };

  const settle = (c) => {
    conflicts.delete(c);
    if (conflicts.size > 0) return;
    form.elements.version.value = latest;
    told();
  };
  const back = (c) => {
    for (const each of unit(c)) {
      const value = stored(each);
      setBase(each, value);
      setNow(each, value);
      settle(each);
      allow(each);
    }
    renewed();
    mark(c);
    tell("back", label(c));
  };
  const renewed = () => form.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));

  // choose shows what a field has become beside what is typed in it.
  const choose = (c, theirs) => {
    const shown = c.localName === "select" ? [...c.options].find((o) => o.value === theirs)?.label ?? theirs : ticks(c) ? words[theirs ? "on" : "off"] : theirs;
    allow(c);
    const choice = Object.assign(document.createElement("div"), { className: "inline-choice" });
    choice.setAttribute("role", "alert");
    const sentence = choice.appendChild(document.createElement("p"));
    sentence.textContent = shown === "" ? words.meanwhileEmpty : words.meanwhile.replace("%v", shown);
    for (const [key, deed] of [["theirs", () => back(c)], ["mine", () => (setBase(c, theirs), settle(c), allow(c), mark(c))]]) {
      const button = choice.appendChild(Object.assign(document.createElement("button"), { type: "button", className: "button small", textContent: words[key] }));
      button.dataset.take = key;
      button.addEventListener("click", () => {
        deed();
        c.focus();
      });
    }
    place(c).append(choice);
  };

  // merge takes a page of the same record as it is now into this one, and answers with the names of what changed; undefined: the
  // two are not the same form. sent are values that are stored by now, as they were typed.
  const key = (c) => `${c.name} ${ticks(c) ? c.value : ""}`;
  function merge(page, sent = new Map()) {
    const other = page.querySelector(`#${form.id}`);
    const fresh = new Map([...(other?.elements ?? [])].filter((c) => names(c) && !c.closest("#people, #who")).map((c) => [key(c), c]));
    const mine = controls().filter((c) => !c.closest("#people, #who"));
    if (!other || fresh.size !== mine.length || mine.some((c) => !fresh.has(key(c)))) return undefined;
    if (parts.some((part) => keeps(part, page))) return undefined;
    const changed = new Set();
    const typed = new Set(mine.flatMap((c) => (dirty(c) && !sent.has(c) ? unit(c) : [])));
    for (const c of mine) {
      const value = base(fresh.get(key(c)));
      if (c.localName === "select") take(c, fresh.get(key(c)));
      if (value !== stored(c) && !sent.has(c)) changed.add(label(c));
      if (sent.has(c) || now(c) === value || !typed.has(c)) {
        const untouched = !sent.has(c) || now(c) === sent.get(c);
        setBase(c, value);
        if (untouched) setNow(c, value);
        conflicts.delete(c);
        allow(c);
      } else if (value !== stored(c)) {
        conflicts.set(c, value);
        choose(c, value);
      }
    }
    for (const input of form.querySelectorAll("input[type=hidden]")) {
      const there = [...other.querySelectorAll("input[type=hidden]")].find((each) => each.name === input.name);
      if (there && input.name !== "version") input.value = there.value;
    }
    latest = other.elements.version.value;
    if (conflicts.size === 0) form.elements.version.value = latest;
    renew(page);
    renewed();
    mine.forEach(mark);
    return [...changed];
  }
  // A value of a picklist that came by sync is one of its options from then on.
  const take = (c, from) => {
    for (const o of from.options) {
      if (![...c.options].some((each) => each.value === o.value)) c.append(new Option(o.label, o.value));
    }
  };
  // keeps reports whether a part that is no single field has something typed in it and is another one by now.
  const keeps = (part, page) => {
    const old = document.querySelector(part);
    return ["#people", "#who"].includes(part) && !!old && [...old.querySelectorAll("input, textarea")].some((c) => c.name && dirty(c)) && old.innerHTML !== page.querySelector(part)?.innerHTML;
  };
  function renew(page) {
    for (const part of parts) {
      const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
      if (!old || !fresh || old.contains(document.activeElement) || [...old.querySelectorAll("input, textarea")].some((c) => c.name && dirty(c))) continue;
      const next = document.importNode(fresh, true);
      if (old.outerHTML === next.outerHTML) continue;
      old.replaceWith(next);
      htmx.process(next);
    }
    document.title = page.title;
  }

  const request = async (address, options) => {
    const answer = await fetch(address, options);
    return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
  };
  const fetched = () => request(here, { headers: { "HX-Request": "true" }, cache: "no-store" });

  function save(c) {
    work = work.then(() => saveNow(c)).catch(() => refuse(c, complaint(c, words.away)));
  }
  async function saveNow(c) {
    const whole = unit(c);
    if (!whole.some(dirty)) return;
    const unsettled = whole.find((each) => conflicts.has(each));
    if (unsettled) {
      said.textContent = place(unsettled).querySelector(".inline-choice p").textContent;
      return;
    }
    whole.forEach(allow);
    for (let tries = 0; tries < 3; tries++) {
      const sent = new Map(whole.map((each) => [each, now(each)]));
      const { answer, page } = await request(form.action, { method: "POST", headers: { "Tandem-Inline": "save" }, body: body(sent) });
      const path = new URL(answer.url);
      if (path.pathname === "/signin") return refuse(c, complaint(c, words.signin));
      if (answer.ok && answer.redirected) {
        if (path.pathname + path.search !== here && !(path.pathname === location.pathname && page.querySelector(`#${form.id}`))) {
          location.assign(answer.url);
          return;
        }
        if (merge(page, sent) === undefined) {
          if (!controls().some((each) => dirty(each) && !sent.has(each))) return location.reload();
          for (const [each, value] of sent) setBase(each, value);
          mark(c);
        } else if (conflicts.size === 0) told();
        toast(page);
        tell("saved", label(c));
        return;
      }
      if (answer.status === 409 && page.querySelector("#conflict-form")) {
        const fresh = await fetched();
        if (!fresh.answer.ok) return refuse(c, complaint(c, words.refused));
        const changed = merge(fresh.page);
        if (changed === undefined) break;
        if (whole.some((each) => conflicts.has(each))) return;
        continue;
      }
      if (answer.status === 422 && page.querySelector(`#${form.id}`)) {
        let shown = false;
        for (const each of whole) {
          const paragraph = page.getElementById(`${each.id}-error`) ?? page.querySelector(`[data-field-error="${CSS.escape(each.name)}"]`);
          if (!paragraph || !place(each) || document.getElementById(paragraph.id)) continue;
          refuse(each, document.importNode(paragraph, true));
          shown = true;
        }
        const rest = page.querySelector("#form-error p")?.textContent ?? words.refused;
        if (!shown) refuse(c, complaint(c, page.querySelector("[data-field-error]")?.textContent ?? rest));
        tell("wrong", label(c), whole.map((each) => place(each)?.querySelector(".error")?.textContent).find(Boolean));
        c.focus();
        return;
      }
      if (answer.status < 500 && page.querySelector("#main form")) break; // a question before it is done: the page asks it
      return refuse(c, complaint(c, page.querySelector("#error-title") ? `${page.querySelector("#error-title").textContent} ${words.refused}` : words.refused));
    }
    form.requestSubmit(document.querySelector(`button[name=save][form=${form.id}]`)); // with all that is typed
  }
  // body is the form as it is stored, but for what is to be saved.
  function body(sent) {
    const data = new URLSearchParams();
    for (const c of form.elements) {
      if (!c.name || c.disabled || ["submit", "button"].includes(c.type)) continue;
      const value = c.type === "hidden" ? c.value : sent.has(c) ? sent.get(c) : stored(c);
      if (c.name === "version") data.append("version", latest);
      else if (!ticks(c)) data.append(c.name, value);
      else if (value) data.append(c.name, c.value);
    }
    data.append("save", "1");
    return data;
  }
  function toast(page) {
    const fresh = page.getElementById("toast");
    document.getElementById("toast")?.remove();
    if (fresh) document.getElementById("main").prepend(document.importNode(fresh, true));
  }

  // News of this record: others saved it, or sync did.
  const note = document.getElementById("changed");
  let heard = false;
  note?.addEventListener("live", () => {
    if (heard) return;
    heard = true;
    work = work.then(news).catch(() => {}); // what cannot be asked now is asked at the next news
  });
  async function news() {
    heard = false;
    const answer = await request(`${note.dataset.asks}?have=${latest}`, { headers: { "HX-Request": "true" } });
    const changed = answer.answer.ok && answer.page.querySelector("#changed.note");
    if (!changed) return;
    if (changed.querySelector("a")) {
      const fresh = await fetched();
      if (!fresh.answer.ok) return;
      const names = merge(fresh.page);
      if (names !== undefined && conflicts.size === 0) {
        if (names.length) told(Object.assign(document.createElement("p"), { textContent: words.renewed.replace("%n", names.join(", ")) }));
        return;
      }
    }
    told(...changed.childNodes);
    note.classList.add("warn");
  }
  function told(...nodes) {
    if (!note) return;
    note.className = nodes.length ? "note" : "";
    note.replaceChildren(...nodes);
  }

  for (const c of controls().filter(alone)) {
    if (["text", "email", "tel", "url", "textarea"].includes(c.type) && !c.placeholder && place(c)) c.placeholder = "–";
  }
  const ours = (c) => names(c) && alone(c) && !!place(c);
  const typing = (event) => {
    if (!ours(event.target)) return;
    if (!conflicts.has(event.target)) allow(event.target);
    mark(event.target);
  };
  form.addEventListener("input", typing);
  form.addEventListener("change", typing);
  form.addEventListener("keydown", (event) => {
    const c = event.target;
    if (event.defaultPrevented || event.isComposing || !ours(c)) return;
    if (event.key === "Enter" && (c.localName !== "textarea" || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save(c);
    } else if (event.key === "Escape" && unit(c).some(dirty)) {
      event.preventDefault();
      back(c);
    }
  });
  // Not every keyboard leaves the form alone once the key was taken.
  form.addEventListener("keypress", (event) => {
    if (event.key === "Enter" && event.target.localName !== "textarea" && ours(event.target)) event.preventDefault();
  });
  form.classList.add("inline-edit");
}
