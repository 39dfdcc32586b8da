// Month, week and day. The server tells events on the reader's own wall clock, so no reckoning with zones happens here.
import { createCalendar, DayGrid, Interaction, TimeGrid } from "@event-calendar/core";
import "@event-calendar/core/index.css";
import "./calendar.css";
import { keys } from "./calendar-keys.js";
import { mover } from "./calendar-move.js";

const views = { month: "dayGridMonth", week: "timeGridWeek", day: "timeGridDay" };
const place = document.getElementById("calendar");

const two = (n) => String(n).padStart(2, "0");
const day = (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
const wall = (d) => `${day(d)}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;

if (place) {
  const told = place.dataset;
  const hours = told.locale === "en" ? { hour: "numeric", minute: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
  const narrow = matchMedia("(max-width: 640px)").matches;
  const makes = Boolean(told.new) && !narrow; // a click on a free hour makes an event there

  // How many events of a day the feed left to a link, which counts as one of those that do not fit.
  const rest = new Map();
  const num = (node, fits, write) => {
    write(fits);
    requestAnimationFrame(() => {
      const more = rest.get(node.closest(".ec-day")?.querySelector("time")?.dateTime);
      if (more) write(fits - 1 + more);
    });
  };

  // The whole words are always there to be read aloud; where days are narrow only the number is seen.
  const more = (hidden) => {
    const [seen, heard] = [document.createElement("span"), document.createElement("span")];
    num(heard, hidden, (count) => {
      heard.textContent = told.more.replace("%d", count);
      seen.textContent = `+${count}`;
    });
    if (!narrow) return { domNodes: [heard] };
    seen.setAttribute("aria-hidden", "true");
    heard.className = "sr";
    return { domNodes: [seen, heard] };
  };

  const refetch = () => calendar.refetchEvents();
  const store = mover(told, wall, refetch);
  const move = ({ event, revert }) => store(event, revert);

  const ask = (start, end, allDay) => {
    const query = new URLSearchParams({ start: allDay ? day(start) : wall(start).slice(0, 16) });
    if (end) query.set("end", allDay ? day(end) : wall(end).slice(0, 16));
    if (allDay) query.set("all_day", "true");
    location.assign(`${told.new}?${query}`);
  };

  const calendar = createCalendar(place, [DayGrid, TimeGrid, Interaction], {
    view: views[told.view],
    date: told.date,
    locale: told.locale,
    firstDay: told.locale === "pt-BR" ? 0 : 1,
    height: told.view === "month" ? "var(--month-height)" : "70vh", // a day's events beyond that are a link away
    headerToolbar: { start: "title", center: "", end: "prev,today,next" },
    buttonText: (text) => ({ ...text, today: told.today, prev: told.prev, next: told.next, close: told.close }),
    allDayContent: told.allDay,
    moreLinkContent: ({ num }) => more(num),
    dayMaxEvents: told.view === "month",
    timeZone: told.offset,
    views: narrow ? { timeGridWeek: { duration: { days: 3 } } } : {}, // seven columns of a hand's width say nothing
    eventTimeFormat: hours,
    slotLabelFormat: hours,
    nowIndicator: true,
    scrollTime: "08:00:00",
    slotDuration: "00:30:00",
    slotEventOverlap: false,
    pointer: makes,
    selectable: makes,
    eventSources: [{
      events: async ({ startStr: start, endStr: end }) => {
        const query = new URLSearchParams({ start, end });
        const answer = await fetch(`${told.feed}&${query}`);
        if (answer.status === 401) location.reload();
        const events = answer.ok ? await answer.json() : [];
        rest.clear();
        for (const { start: day, extendedProps } of events) if (extendedProps.rest) rest.set(day.slice(0, 10), extendedProps.rest);
        return events;
      },
    }],
    eventContent: ({ event, timeText }) => {
      if (event.display === "background") return event.title; // a busy time of another calendar
      const link = document.createElement("a");
      link.href = event.extendedProps.path;
      link.className = "event-link";
      link.draggable = false;
      if (event.extendedProps.move) link.setAttribute("aria-keyshortcuts", "M");
      if (!event.allDay && !event.extendedProps.rest) {
        const time = document.createElement("span");
        time.className = "event-time";
        time.textContent = timeText;
        link.append(time, " ");
      }
      const title = document.createElement("span");
      title.className = "event-title";
      title.textContent = event.title;
      link.append(title);
      return { domNodes: [link] };
    },
    eventDidMount: ({ el, event }) => {
      for (const name of ["role", "tabindex"]) el.removeAttribute(name); // the link in it is what is used
      el.title = [event.title, event.extendedProps.venue].filter(Boolean).join(" · ");
      el.dataset.id = String(event.id).split("/")[0];
      el.dataset.event = event.id;
      el.dataset.start = wall(event.start);
    },
    eventClick: ({ event, jsEvent }) => {
      if (!jsEvent.target.closest("a") && !jsEvent.ctrlKey && !jsEvent.metaKey) location.assign(event.extendedProps.path);
    },
    dateClick: ({ date, allDay }) => makes && ask(date, null, allDay && told.view !== "month"),
    select: ({ start, end, allDay }) => ask(start, end, allDay),
    eventDrop: move,
    eventResize: move,
    datesSet: ({ view }) => {
      const date = day(view.currentStart);
      const here = new URL(location.href);
      here.searchParams.set("view", told.view);
      here.searchParams.set("date", date);
      history.replaceState(null, "", here);
      for (const link of document.querySelectorAll("[data-view][href]:not([data-view=list])")) {
        const to = new URL(link.href);
        to.searchParams.set("date", date);
        link.href = to.pathname + to.search;
      }
    },
  });

  place.addEventListener("live", refetch);

  // The library calls itself a table, but has events between its rows and cells that stand in none: no table is better than a broken one.
  const plain = () => {
    for (const el of [place, ...place.querySelectorAll("[role], [aria-colindex], [aria-rowindex]")]) {
      if (/^(table|row|rowgroup|cell|columnheader|rowheader)$/.test(el.getAttribute("role"))) el.removeAttribute("role");
      for (const name of ["aria-colindex", "aria-rowindex", "aria-colcount", "aria-rowcount"]) el.removeAttribute(name);
    }
  };
  plain();

  // The event in focus keeps it when it comes back from the server, wherever it then stands, and so does a day's link to more.
  let focused; // its selector
  place.addEventListener("focusin", ({ target }) => {
    const event = target.closest(".ec-event")?.dataset.event;
    const day = target.closest(".ec-day-foot")?.closest(".ec-day")?.querySelector("time")?.dateTime;
    if (event) focused = `.ec-event[data-event="${CSS.escape(event)}"] a.event-link`;
    else focused = day && `.ec-day:has(time[datetime="${day}"]) .ec-day-foot a`;
  });
  new MutationObserver(() => {
    plain();
    if (!focused || (document.activeElement !== document.body && document.activeElement)) return;
    place.querySelector(focused)?.focus({ preventScroll: true });
  }).observe(place, { childList: true, subtree: true });

  keys(
    place,
    told.locale,
    (el) => calendar.getEventById(el.dataset.event),
    (event, start, end) => {
      const before = { ...event };
      calendar.updateEvent({ ...event, start, end });
      store({ ...event, start, end }, () => calendar.updateEvent(before));
    },
  );
}
