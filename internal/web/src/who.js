// Whom an event is about: typing offers contacts (a combobox with a listbox, as the ARIA practices have it), choosing one ticks it.
// Without script the same box looks for contacts on the server.
const begun = new WeakSet();
const begin = () => {
  const part = document.querySelector("[data-who]");
  if (!part || begun.has(part)) return;
  begun.add(part);
  const box = part.querySelector("input");
  const options = part.querySelector("[role=listbox]");
  const said = document.getElementById("who-said");
  const list = document.getElementById("who-list");
  const nobody = document.getElementById("who-nobody");
  let latest = 0;
  let wait;
  let chosen = -1; // which option the keys are on
  let held = false; // Enter is down, and meant for the box alone

  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": options.id })) box.setAttribute(name, value);

  const rows = () => [...options.children];
  const on = (at) => {
    chosen = at;
    for (const [i, row] of rows().entries()) row.setAttribute("aria-selected", String(i === at));
    const row = rows()[at];
    if (row) {
      box.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else box.removeAttribute("aria-activedescendant");
  };
  const show = (open) => {
    options.hidden = !open;
    box.setAttribute("aria-expanded", String(open));
    on(-1);
  };

  const look = async () => {
    const mine = ++latest;
    const words = box.value.trim();
    if (!words) return show(false);
    const answer = await fetch(`${part.dataset.who}?${new URLSearchParams({ q: words })}`).catch(() => undefined);
    const text = answer?.ok ? await answer.text() : undefined;
    if (text === undefined || mine !== latest) return;
    const found = new DOMParser().parseFromString(text, "text/html").getElementById("who-options");
    if (!found) return;
    options.replaceChildren(...found.children);
    said.textContent = found.dataset.said;
    show(rows().length > 0);
  };

  const take = (row) => {
    const { id, name } = row.dataset;
    let radio = [...list.querySelectorAll("input")].find((input) => input.value === id);
    if (!radio) {
      const line = document.createElement("li");
      const label = line.appendChild(document.createElement("label"));
      label.className = "check";
      radio = Object.assign(document.createElement("input"), { type: "radio", name: "Who_Id", value: id });
      label.append(radio, " ", Object.assign(document.createElement("span"), { textContent: name }));
      list.insertBefore(line, nobody);
    }
    nobody.hidden = false;
    nobody.querySelector("input").disabled = false;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    box.value = "";
    said.textContent = part.dataset.chosen.replace("%s", name);
    latest++;
    show(false);
    box.focus();
  };

  box.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(look, 150);
  });
  box.addEventListener("keydown", (event) => {
    const open = !options.hidden;
    const last = rows().length - 1;
    switch (event.key) {
      case "ArrowDown":
        if (open) on(chosen < last ? chosen + 1 : 0);
        else look();
        break;
      case "ArrowUp":
        if (open) on(chosen > 0 ? chosen - 1 : last);
        break;
      case "Enter": // saves nothing while one is choosing
        if (open && chosen >= 0) take(rows()[chosen]);
        else if (!box.value.trim()) return;
        held = true;
        break;
      case "Escape":
        if (!open && !box.value) return;
        if (!open) box.value = "";
        show(false);
        break;
      default:
        return;
    }
    event.preventDefault();
  });
  box.addEventListener("keypress", (event) => event.key === "Enter" && held && event.preventDefault());
  box.addEventListener("keyup", () => (held = false));
  box.addEventListener("blur", () => setTimeout(() => show(false), 150));
  options.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  options.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) take(row);
  });
};
begin();
document.addEventListener("renewed", begin); // the part was brought up to date, by another in its place
