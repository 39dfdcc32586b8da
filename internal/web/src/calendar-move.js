// What happens after an event was dragged, or moved by keys: which days of a series are meant, what somebody else changed
// meanwhile, what would be lost. The event stands in its new place at once and goes back where it is refused.
function ask(id, fill) {
  const dialog = document.getElementById(id);
  fill(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue), { once: true }));
}

// say shows what happened; undo is the address that takes it back.
export function say(told, text, bad, undo, done) {
  document.getElementById("toast")?.remove();
  const note = document.createElement("div");
  note.id = "toast";
  note.className = bad ? "toast bad" : "toast";
  note.setAttribute("role", bad ? "alert" : "status");
  const words = document.createElement("span");
  words.textContent = text;
  note.append(words);
  if (undo) {
    const form = document.createElement("form");
    form.className = "undo";
    const button = document.createElement("button");
    button.className = "link";
    button.textContent = told.undo;
    form.append(button);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await fetch(undo, { method: "POST", headers: { "HX-Request": "true" } }).catch(() => undefined);
      say(told, answer?.ok ? told.undone : told.undoFailed, !answer?.ok);
      done();
    });
    note.append(form);
  }
  document.getElementById("main").prepend(note);
}

// mover gives the function that stores new times of an event. wall writes a time as the server takes it.
export function mover(told, wall, refetch) {
  async function send(event, more, revert) {
    const { move, on, version } = event.extendedProps;
    const body = new URLSearchParams({
      start: wall(event.start), end: wall(event.end), all_day: String(event.allDay), version: String(version), ...(on ? { on } : {}), ...more,
    });
    let answer, heard;
    try {
      answer = await fetch(move, { method: "POST", body });
      heard = await answer.json().catch(() => ({}));
    } catch {
      revert();
      return say(told, told.offline, true);
    }
    if (answer.ok) {
      say(told, heard.said, false, heard.undo, refetch);
      return refetch();
    }
    if (answer.status === 409 && (heard.lose || heard.version || heard.mail)) {
      const sure = await ask("sure-dialog", (dialog) => {
        dialog.querySelector("h2").textContent = heard.said;
        dialog.querySelector("ul").replaceChildren(
          ...(heard.lose ?? heard.mails ?? []).map((line) => Object.assign(document.createElement("li"), { textContent: line })),
        );
      });
      if (sure) return send(event, { ...more, ...(heard.lose ? { lose: "1" } : heard.mail ? { mail: heard.mail } : { version: String(heard.version) }) }, revert);
      revert();
      return refetch();
    }
    revert();
    refetch();
    return say(told, heard.said ?? (answer.status >= 500 ? told.offline : told.refused), true);
  }

  return async (event, revert) => {
    const { series } = event.extendedProps;
    if (!series) return send(event, {}, revert);
    const scope = await ask("series-dialog", (dialog) => {
      const question = dialog.querySelector("h2");
      question.textContent = question.dataset.text.replace("%s", event.title);
    });
    return scope ? send(event, { scope }, revert) : revert();
  };
}
