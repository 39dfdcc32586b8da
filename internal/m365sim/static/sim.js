// What the pages do besides being forms and links: follow the mailbox, and show of a form what matters.
'use strict';

// Regions marked data-live are fetched again when the mailbox changes. A form is never touched: on a page that is
// one, a line says that something has happened.
(() => {
  const source = document.querySelector('[data-events]');
  if (!source || !document.querySelector('[data-live], #stale')) return;
  let busy = false, again = false;
  const stale = document.getElementById('stale');
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { 'X-Live': '1' } });
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const region of document.querySelectorAll('[data-live]')) {
        const other = next.getElementById(region.id);
        if (!other || other.innerHTML === region.innerHTML) continue;
        const frame = region.querySelector('.weekframe');
        const top = frame ? frame.scrollTop : 0;
        const link = region.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
        region.innerHTML = other.innerHTML;
        const fresh = region.querySelector('.weekframe');
        if (fresh) fresh.scrollTop = top;
        if (link) [...region.querySelectorAll('a')].find((a) => a.getAttribute('href') === link)?.focus();
      }
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };
  const events = new EventSource(source.dataset.events);
  let lost = false;
  const changed = () => { if (stale) stale.hidden = false; else refresh(); };
  events.addEventListener('changed', changed);
  events.addEventListener('error', () => { lost = true; });
  events.addEventListener('open', () => { if (lost) { lost = false; if (!stale) refresh(); } });
  addEventListener('pagehide', () => events.close());
})();

// The week begins in view at seven.
(() => {
  const frame = document.querySelector('.weekframe');
  const seven = frame && frame.querySelector('.hours span:nth-child(8)');
  if (seven) frame.scrollTop = seven.offsetTop - frame.querySelector('.day h3').offsetHeight - frame.querySelector('.day .allday').offsetHeight - 8;
})();

// A question before what cannot be taken back.
document.addEventListener('submit', (e) => {
  const question = e.target.dataset.confirm;
  if (question && !confirm(question)) e.preventDefault();
});

// response_mode=form_post
document.querySelector('form[data-submit]')?.submit();

// The event form: only the fields that the kind of repetition looks at, and how many people would get mail.
(() => {
  const form = document.getElementById('event');
  if (!form) return;
  const type = document.getElementById('recurrenceType');
  const range = document.getElementById('rangeType');
  const show = () => {
    for (const part of form.querySelectorAll('[data-for]')) part.hidden = !part.dataset.for.split(' ').includes(type.value);
    for (const part of form.querySelectorAll('[data-range]')) part.hidden = part.dataset.range !== range.value;
  };
  if (type) {
    type.addEventListener('change', show);
    range.addEventListener('change', show);
    show();
  }
  const attendees = document.getElementById('attendees');
  const mailed = document.getElementById('mailed');
  attendees.addEventListener('input', () => {
    const n = attendees.value.split(/[\n;]/).filter((line) => line.trim()).length;
    mailed.dataset.n = n;
    mailed.textContent = n === 0 ? mailed.dataset.none : n === 1 ? mailed.dataset.one : mailed.dataset.many.replace('%d', n);
  });
  // The end follows the start, and so does what a repetition would be, until somebody chooses one.
  const start = document.getElementById('start'), end = document.getElementById('end');
  const suggest = () => {
    const day = new Date(start.value);
    if (!type || type.value !== '' || Number.isNaN(day.getTime())) return;
    const names = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
    document.getElementById('dayOfMonth').value = day.getDate();
    document.getElementById('month').value = day.getMonth() + 1;
    document.getElementById('index').value = ['first', 'second', 'third', 'fourth', 'last'][Math.floor((day.getDate() - 1) / 7)];
    for (const name of names) document.getElementById('day-' + name).checked = name === names[day.getDay()];
  };
  let before = Date.parse(start.value);
  start.addEventListener('change', () => {
    const now = Date.parse(start.value), last = Date.parse(end.value);
    if (!Number.isNaN(now) && !Number.isNaN(before) && !Number.isNaN(last)) {
      const moved = new Date(last + now - before - new Date(last).getTimezoneOffset() * 60000);
      end.value = moved.toISOString().slice(0, 16);
    }
    before = now;
    suggest();
  });
})();
