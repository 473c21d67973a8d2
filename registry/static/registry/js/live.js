// <div id="x" data-behaviour="live" data-url="?part=x" data-every="3">: replaces itself with what the URL answers, every so many
// seconds. The answer is the same fragment; when it no longer names the behaviour (the work is finished), asking ends.
// A hidden tab asks ten times less often, and a failing server is asked ever more slowly.

import { behaviour } from "./behaviour.js";

const SLOWEST = 60;

// Never take away what somebody is using at this moment: a field with the cursor in it, an open confirmation.
function inUse(element) {
  return element.querySelector(":popover-open, input:focus, textarea:focus, select:focus") !== null;
}

function replace(element, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (fresh === null || element.outerHTML === fresh.outerHTML) return element;
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  window.htmx?.process(fresh);
  return fresh;
}

async function ask(element) {
  const answer = await fetch(element.dataset.url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer.text();
}

function keepAsking(element, failures = 0) {
  const every = Number(element.dataset.every ?? 3) * (document.hidden ? 10 : 1) * 2 ** failures;
  setTimeout(async () => {
    if (!element.isConnected) return;
    if (inUse(element)) return keepAsking(element);
    try {
      const fresh = replace(element, await ask(element));
      if (fresh === element) keepAsking(element);
      else document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: fresh } }));
    } catch {
      keepAsking(element, Math.min(failures + 1, Math.ceil(Math.log2(SLOWEST))));
    }
  }, Math.min(every, SLOWEST) * 1000);
}

behaviour("live", (element) => keepAsking(element));
