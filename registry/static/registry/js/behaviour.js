// A behaviour is a function given one element that names it: <button data-behaviour="copy">.
// It is bound once per element, on load and again for whatever htmx swaps in.

const bound = new WeakMap();

export function behaviour(name, bind) {
  const bindWithin = (root) => {
    for (const element of [root, ...root.querySelectorAll("[data-behaviour]")]) {
      const names = element.dataset?.behaviour?.split(" ") ?? [];
      if (!names.includes(name)) continue;
      const done = bound.get(element) ?? new Set();
      if (done.has(name)) continue;
      bound.set(element, done.add(name));
      bind(element);
    }
  };
  bindWithin(document.body);
  document.addEventListener("htmx:load", (event) => bindWithin(event.detail.elt));
}
