// Rows of a list are ticked: one by one, from one to another with Shift, or all of the page by the box in its head. What is
// ticked stays so when the list is refreshed; how much it is stands in [data-chosen]. A box that means all that the list shows, on
// all its pages, takes the place of the rows'.
const ticked = new Map(); // by the form's id: the ids of its ticked rows
let last = ""; // the id of the row ticked before this one: its box may be another since, after a refresh

const boxes = (form) => [...form.querySelectorAll("input[name=id]")];

function count(form) {
  const rows = boxes(form);
  const on = rows.filter((box) => box.checked);
  const whole = form.querySelector("[data-choose-whole]")?.checked;
  for (const box of rows) {
    box.disabled = !!whole;
    box.closest("tr")?.classList.toggle("ticked", box.checked || !!whole);
  }
  for (const head of form.querySelectorAll("[data-choose-all]")) {
    head.disabled = !!whole;
    head.checked = rows.length > 0 && on.length === rows.length;
    head.indeterminate = on.length > 0 && on.length < rows.length;
  }
  const said = form.querySelector("[data-chosen]");
  if (said) {
    const text = on.length && !whole ? said.dataset.text.replace("%s", on.length) : "";
    if (said.textContent !== text) said.textContent = text;
  }
  const name = form.getAttribute("id"); // its rows' boxes are called id, and so is form.id
  if (name) ticked.set(name, { whole, ids: new Set(on.map((box) => box.value)) });
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("input[name=id]") || !box.form) return;
  const rows = boxes(box.form);
  const from = rows.findIndex((each) => each.value === last);
  if (event.shiftKey && from >= 0) {
    const to = rows.indexOf(box);
    for (const each of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = box.checked;
    count(box.form);
  }
  last = box.value;
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form || !form.querySelector("[data-choose-all]")) return;
  if (event.target.matches("[data-choose-all]")) {
    for (const box of boxes(form)) box.checked = event.target.checked;
  }
  count(form);
});

// The rows of a refreshed list are ticked as those that were there.
document.addEventListener("htmx:after:swap", () => {
  for (const [id, kept] of ticked) {
    const form = document.getElementById(id);
    if (!form) continue;
    for (const box of boxes(form)) box.checked = kept.ids.has(box.value);
    const whole = form.querySelector("[data-choose-whole]");
    if (whole) whole.checked = !!kept.whole;
    count(form);
  }
});

// A browser that goes back shows what was ticked.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form:has([data-choose-all])")) count(form);
});
