// <div data-behaviour="tail" data-stream="…" data-news="…" data-from="12">: rows that come in go to the top of the table that
// says data-tail-rows. Where no stream is to be had, the news are asked for now and then; a hidden tab asks less often.

import { behaviour } from "/static/registry/js/behaviour.js";

const MOST_ROWS = 200;
const EVERY = 5;

function follow(element) {
  const rows = document.querySelector("[data-tail-rows]");
  const state = element.querySelector("[data-tail-state]");
  const button = element.querySelector("[data-tail-pause]");
  let position = element.dataset.from;
  let source = null;
  let timer = null;

  const address = (base) => `${base}&from=${position}`;
  const say = (text) => { if (state.textContent !== text) state.textContent = text; };

  function show(html) {
    const template = document.createElement("template");
    template.innerHTML = `<table><tbody>${html}</tbody></table>`;
    // The oldest comes first.
    for (const row of [...template.content.querySelectorAll("tbody > tr")]) {
      rows.prepend(row);
      document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: row } }));
    }
    while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
  }

  function stop() {
    source?.close();
    clearTimeout(timer);
    source = timer = null;
  }

  async function ask() {
    try {
      const answer = await fetch(address(element.dataset.news), { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      position = answer.headers.get("X-Onex-Position") ?? position;
      const skipped = answer.headers.get("X-Onex-Skipped");
      show(await answer.text());
      say(skipped ? `${skipped}. Looked for every few seconds.` : "New events are looked for every few seconds.");
    } catch {
      say("The registry does not answer; trying again.");
    }
    timer = setTimeout(ask, EVERY * 1000 * (document.hidden ? 10 : 1));
  }

  function listen() {
    source = new EventSource(address(element.dataset.stream));
    const note = (event) => { position = event.lastEventId || position; };
    source.addEventListener("open", () => say("New events appear here by themselves."));
    source.addEventListener("rows", (event) => { note(event); show(event.data); });
    source.addEventListener("skipped", (event) => { note(event); say(event.data); });
    source.addEventListener("error", () => {
      // A stream that ended is opened again by the browser; one that was refused is not.
      if (source.readyState !== EventSource.CLOSED) return;
      stop();
      ask();
    });
  }

  button.addEventListener("click", () => {
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Resume" : "Pause";
    stop();
    if (paused) say("Paused. What comes meanwhile appears when you resume.");
    else listen();
  });
  listen();
}

behaviour("tail", follow);
