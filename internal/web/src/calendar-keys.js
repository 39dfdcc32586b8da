// The calendar by keyboard: arrows go from event to event, M moves or resizes the one in focus without dragging.
const step = 30 * 60000;

// Order in time; what begins at the same time keeps the order of the page.
function links(place) {
  const all = [...place.querySelectorAll(".ec-event a.event-link")].filter((link) => link.offsetParent);
  const began = (link) => link.closest(".ec-event").dataset.start;
  return all.map((link) => ({ link, start: began(link) })).sort((a, b) => a.start.localeCompare(b.start));
}

function goal(key, all, at) {
  const day = (entry) => entry.start.slice(0, 10);
  switch (key) {
    case "ArrowDown":
      return all[at + 1];
    case "ArrowUp":
      return all[at - 1];
    case "ArrowRight":
      return all.slice(at + 1).find((each) => day(each) > day(all[at]));
    case "ArrowLeft": {
      const before = all.slice(0, at).filter((each) => day(each) < day(all[at]));
      return before.find((each) => day(each) === day(before.at(-1)));
    }
    case "Home":
      return all[0];
    case "End":
      return all.at(-1);
  }
  return undefined;
}

// keys listens in the calendar. find gives the event of an element that shows it; moved is told of its new times.
export function keys(place, locale, find, moved) {
  const menu = document.getElementById("move-menu");

  function open(event) {
    let { start, end } = event;
    const title = menu.querySelector("h2");
    title.textContent = title.dataset.text.replace("%s", event.title);
    const when = new Intl.DateTimeFormat(locale, event.allDay ? { dateStyle: "full" } : { dateStyle: "full", timeStyle: "short" });
    const show = () => {
      const last = event.allDay ? new Date(end.getFullYear(), end.getMonth(), end.getDate() - 1) : end;
      menu.querySelector("output").textContent = when.formatRange(start, last);
    };
    const shifted = (time, days, millis) =>
      new Date(time.getFullYear(), time.getMonth(), time.getDate() + days, time.getHours(), time.getMinutes(), time.getSeconds(), millis);
    for (const button of menu.querySelectorAll("[data-timed]")) button.hidden = event.allDay;
    const press = ({ target }) => {
      const { move, days, longer } = target.closest("button[type=button]")?.dataset ?? {};
      if (move) [start, end] = [shifted(start, 0, move * 60000), shifted(end, 0, move * 60000)];
      if (days) [start, end] = [shifted(start, Number(days), 0), shifted(end, Number(days), 0)];
      if (longer) {
        const to = event.allDay ? shifted(end, Number(longer), 0) : shifted(end, 0, longer * step);
        if (to > start) end = to;
      }
      show();
    };
    show();
    menu.addEventListener("click", press);
    menu.addEventListener(
      "close",
      () => {
        menu.removeEventListener("click", press);
        if (menu.returnValue === "yes" && (+start !== +event.start || +end !== +event.end)) moved(event, start, end);
      },
      { once: true },
    );
    menu.returnValue = "";
    menu.showModal();
  }

  place.addEventListener("keydown", (pressed) => {
    const link = pressed.target.closest("a.event-link");
    if (!link || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    if (pressed.key === "m" || pressed.key === "M") {
      const event = find(link.closest(".ec-event"));
      if (!event?.extendedProps.move) return;
      pressed.preventDefault();
      open(event);
      return;
    }
    const all = links(place);
    const to = goal(pressed.key, all, all.findIndex((each) => each.link === link));
    if (!to) return;
    pressed.preventDefault();
    to.link.focus();
  });
}
