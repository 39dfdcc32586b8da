// The dialog in which people of the directory are picked. Without script its address is a page of its own.
import htmx from "htmx.org";

// A link with data-dialog opens what it leads to in a dialog; where that cannot be had, it simply leads there.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    await openDialog(document.querySelector(link.dataset.dialog), link.href);
  }
  const close = event.target.closest("dialog [data-close-dialog]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
});

async function openDialog(dialog, address) {
  if (dialog.open) return;
  const box = dialog.firstElementChild;
  const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": `div#${box.id}` } }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    location.assign(address);
    return;
  }
  box.innerHTML = await answer.text();
  htmx.process(box);
  if (!dialog.open) dialog.showModal();
  swapped();
}

// Who is picked stands above the list too, and so stays picked when another search shows others.
document.addEventListener("change", (event) => {
  const tick = event.target.closest(".pick-list input[name=person]");
  if (!tick) return;
  const picked = tick.form.querySelector(".picked");
  const full = tick.checked && picked.children.length >= Number(picked.dataset.most);
  tick.form.querySelector("#picked-all").hidden = !full;
  if (full) tick.checked = false;
  else if (tick.checked) add(picked, tick.value, tick.closest("label").querySelector("strong").textContent);
  else find(picked, tick.value)?.remove();
});

function find(picked, id) {
  return [...picked.children].find((item) => item.dataset.id === id);
}

function add(picked, id, name) {
  if (find(picked, id)) return;
  const item = document.createElement("li");
  item.dataset.id = id;
  const value = document.createElement("input");
  Object.assign(value, { type: "hidden", name: "person", value: id });
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "plain";
  remove.textContent = "×";
  remove.setAttribute("aria-label", `${picked.dataset.remove} ${name}`);
  remove.addEventListener("click", () => {
    const next = item.nextElementSibling ?? item.previousElementSibling; // the focus must not fall to nowhere
    (next?.querySelector("button") ?? document.getElementById("directory-q")).focus();
    item.remove();
    const tick = picked.closest("form").querySelector(`.pick-list input[value="${CSS.escape(id)}"]`);
    if (tick) tick.checked = false;
  });
  item.append(value, name, remove);
  picked.append(item);
}

function tickPicked() {
  for (const picked of document.querySelectorAll(".picked")) {
    for (const tick of picked.closest("form").querySelectorAll(".pick-list input[name=person]:not(:disabled)")) {
      if (find(picked, tick.value)) tick.checked = true;
      else if (tick.checked) add(picked, tick.value, tick.closest("label").querySelector("strong").textContent);
    }
  }
}

// Whoever asked for more goes on with the first of those that came.
let last;
document.addEventListener("click", (event) => {
  const more = event.target.closest("#directory-more a");
  if (more) last = more.closest("li").previousElementSibling;
});
function goOn() {
  if (!last || last.nextElementSibling?.id === "directory-more") return;
  const come = [...last.parentElement.querySelectorAll("input[name=person]:not(:disabled)")];
  come.find((input) => last.compareDocumentPosition(input) & Node.DOCUMENT_POSITION_FOLLOWING && !last.contains(input))?.focus();
  last = undefined;
}

// How many a search has found is said to whoever does not see it.
function say() {
  for (const part of document.querySelectorAll("[data-said]")) {
    const box = document.querySelector(part.dataset.saidIn);
    if (box && box.textContent !== part.dataset.said) box.textContent = part.dataset.said;
  }
}

function swapped() {
  tickPicked();
  goOn();
  say();
}
document.addEventListener("htmx:after:swap", swapped);
swapped();
