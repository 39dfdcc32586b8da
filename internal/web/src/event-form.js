// The form of an event: days instead of hours when it lasts all day, an end that follows the start, and only those
// questions about repeating that matter. Without script all questions are there, and the server reads what it needs.
const form = document.getElementById("event-form");

if (form) {
  const { All_day, Start_DateTime: start, End_DateTime: end, repeat, repeat_end: ends } = form.elements;
  const allDay = [...All_day].find((input) => input.type === "checkbox");
  const units = form.querySelector("[data-units]"); // of one occurrence there is none: it does not repeat by itself
  const labels = units?.dataset.units.split("|") ?? [];
  const steps = ["daily", "weekly", "monthly", "yearly"];
  const hours = { start: start.value.slice(11) || "09:00", end: end.value.slice(11) || "10:00" };

  const days = () => {
    for (const [input, key] of [[start, "start"], [end, "end"]]) {
      const value = input.value;
      if (allDay.checked && input.type !== "date") {
        hours[key] = value.slice(11) || hours[key];
        input.type = "date";
        input.value = value.slice(0, 10);
      } else if (!allDay.checked && input.type === "date") {
        input.type = "datetime-local";
        input.value = value ? `${value}T${hours[key]}` : "";
      }
    }
    form.classList.toggle("all-day", allDay.checked);
  };

  const millis = (input) => (input.value ? Date.parse(input.value.length === 10 ? `${input.value}T00:00` : input.value) : NaN);
  const written = (input, time) => {
    const local = new Date(time - new Date(time).getTimezoneOffset() * 60000).toISOString();
    return local.slice(0, input.type === "date" ? 10 : 16);
  };
  let lasts = millis(end) - millis(start);
  const follow = () => {
    if (Number.isFinite(lasts) && lasts >= 0 && Number.isFinite(millis(start))) end.value = written(end, millis(start) + lasts);
  };

  const questions = () => {
    for (const part of form.querySelectorAll("[data-repeat]")) {
      const asked = part.dataset.repeat.split(" ").includes(repeat.value);
      const ended = !part.dataset.repeatEnd || part.dataset.repeatEnd === ends.value;
      part.hidden = !(asked && ended);
    }
    if (units) units.textContent = labels[steps.indexOf(repeat.value)] ?? "";
  };

  allDay.addEventListener("change", () => {
    days();
    lasts = millis(end) - millis(start);
  });
  start.addEventListener("change", follow);
  end.addEventListener("change", () => (lasts = millis(end) - millis(start)));
  repeat?.addEventListener("change", questions);
  ends?.addEventListener("change", questions);
  const settle = () => {
    form.classList.toggle("all-day", allDay.checked);
    questions();
  };
  settle();
  form.addEventListener("renewed", () => {
    for (const [input, key] of [[start, "start"], [end, "end"]]) hours[key] = input.value.slice(11) || hours[key];
    lasts = millis(end) - millis(start);
    settle();
  });

  // How it repeats, in a sentence, as soon as something about it changes.
  const asks = form.querySelector("[data-asks]")?.dataset.asks;
  const concerned = (name) => /^(repeat|All_day$|Start_DateTime$|End_DateTime$|Time_Zone$|Recurring_Activity$)/.test(name);
  let latest = 0;
  const tell = async () => {
    const mine = ++latest;
    const query = new URLSearchParams([...new FormData(form)].filter(([name]) => concerned(name)));
    const answer = await fetch(`${asks}?${query}`).catch(() => undefined);
    const text = answer?.ok ? await answer.text() : undefined;
    if (text === undefined || mine !== latest) return;
    const said = new DOMParser().parseFromString(text, "text/html").getElementById("repeat-said");
    if (said) form.querySelector("#repeat-said").replaceChildren(...said.childNodes);
  };
  if (asks) form.addEventListener("change", ({ target }) => concerned(target.name) && tell());
}
