// The dialog of fields: rows that can be searched, and selects that say which fields are in use elsewhere. The server
// renders only what fits, and has the last word.
const form = document.getElementById("mapping-form");
if (form) {
  const rows = [...form.querySelectorAll(".mapping-row")];
  const filter = form.querySelector("#mapping-filter");
  const metOnly = form.querySelector("#mapping-met");
  const found = form.querySelector("#mapping-found");
  const way = (row) => row.querySelector(".mapping-way");
  const crm = (row) => row.querySelector(".mapping-crm");
  const meets = (row) => crm(row).value !== "" && way(row).value !== "off";
  for (const option of form.querySelectorAll(".mapping-crm option")) option.dataset.label = option.textContent;

  function follow() {
    const used = new Map();
    for (const row of rows) if (meets(row)) used.set(crm(row).value, row);
    for (const row of rows) {
      row.classList.toggle("off", !meets(row));
      way(row).disabled = crm(row).value === "";
      if (way(row).disabled) way(row).value = "off";
      for (const option of crm(row).options) {
        const elsewhere = option.value !== "" && used.has(option.value) && used.get(option.value) !== row;
        option.disabled = elsewhere && !option.selected; // what is chosen twice already must stay to be seen
        const label = elsewhere ? `${option.dataset.label} (${form.dataset.used})` : option.dataset.label;
        if (option.textContent !== label) option.textContent = label;
      }
    }
  }

  function plain(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  }

  function sift() {
    const wanted = plain(filter.value.trim());
    let shown = 0;
    for (const row of rows) {
      const words = plain(`${row.querySelector(".mapping-name").textContent} ${crm(row).selectedOptions[0].dataset.label}`);
      row.hidden = !row.classList.contains("wrong") && (!words.includes(wanted) || (metOnly.checked && !meets(row)));
      if (!row.hidden) shown++;
    }
    for (const group of form.querySelectorAll(".mapping-group")) group.hidden = !group.querySelector(".mapping-row:not([hidden])");
    found.textContent = wanted || metOnly.checked ? `${shown} ${form.dataset.found}` : "";
  }

  form.addEventListener("change", (event) => {
    const row = event.target.closest(".mapping-row");
    if (row && event.target === crm(row) && crm(row).value !== "" && way(row).value === "off") way(row).value = "";
    follow();
    if (event.target === metOnly) sift();
  });
  filter.addEventListener("input", sift);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // finding a field is not saving
  });
  window.addEventListener("pageshow", follow);
  follow();
}
