// <tbody data-behaviour="replay" data-stream="…" data-after="1-41">: shows events in the moment they are played, above the others.
// The element is part of a fragment that asks for itself anew every second; this only fills the time in between. Where there
// is no stream (too many are open, or something between breaks it), asking alone shows the same a little later.

import { behaviour } from "./behaviour.js";

const MOST_ROWS = 8;
let source = null;
let failed = 0;

function cell(row, text, name = "") {
  const made = row.insertCell();
  made.textContent = text;
  made.className = name;
  return made;
}

function show(body, played) {
  const row = document.createElement("tr");
  cell(row, played.index + 1, "num");
  const link = document.createElement("a");
  link.href = `/events/id/${encodeURIComponent(played.event_id)}`;
  link.textContent = played.event_type;
  const id = document.createElement("span");
  id.textContent = played.event_id;
  id.className = "muted mono small";
  cell(row, "", "break").append(link, " ", id);
  cell(row, played.planned_at ? `${played.planned_at.slice(0, 23).replace("T", " ")} UTC` : "at once", "nowrap muted");
  cell(row, played.late_ms === null ? "–" : `${played.late_ms.toFixed(1)} ms`, "num");
  cell(row, played.problem || played.outcome, played.problem ? "break bad" : "break");
  body.querySelector("tr.muted")?.remove();
  body.prepend(row);
  while (body.rows.length > MOST_ROWS) body.deleteRow(-1);
}

// The fragment may have been drawn later than this was sent.
function isNew(body, id) {
  const [segment, index] = id.split("-").map(Number);
  const [shownSegment, shownIndex] = body.dataset.after.split("-").map(Number);
  return segment > shownSegment || (segment === shownSegment && index > shownIndex);
}

behaviour("replay", (body) => {
  if (failed > 2 || (source && source.readyState !== EventSource.CLOSED)) return;
  source = new EventSource(`${body.dataset.stream}?after=${encodeURIComponent(body.dataset.after)}`);
  source.addEventListener("played", (event) => {
    const current = document.querySelector('[data-behaviour~="replay"]');
    if (!current || !isNew(current, event.lastEventId)) return;
    current.dataset.after = event.lastEventId;
    show(current, JSON.parse(event.data));
  });
  source.addEventListener("end", () => source.close());
  source.addEventListener("error", () => {
    failed += 1;
    if (failed > 2) source.close();
  });
});
