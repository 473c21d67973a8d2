// <input type="number" data-behaviour="rate">: a slider above the field of a share. Equal steps are equal factors, so that
// one in ten thousand is as easy to meet as one in two. Without scripts there is the field alone.

import { behaviour } from "/static/registry/js/behaviour.js";

const LEAST = 0.0001;
const STEPS = 400;

const rateAt = (step) => (step >= STEPS ? 1 : Number((LEAST ** (1 - step / STEPS)).toPrecision(2)));
const stepOf = (rate) => Math.round(STEPS * (1 - Math.log(rate) / Math.log(LEAST)));
const inWords = (rate) => `${Number((rate * 100).toPrecision(3))} %, one in ${Number((1 / rate).toPrecision(3)).toLocaleString("en")}`;

behaviour("rate", (field) => {
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: STEPS, className: "slider" });
  slider.setAttribute("aria-label", "Share that is kept, as a slider");
  const words = document.createElement("output");
  words.className = "muted small";

  function show() {
    // Nothing chosen yet: everything is kept.
    const rate = field.value === "" ? 1 : Math.min(1, Math.max(LEAST, Number(field.value) || LEAST));
    slider.value = stepOf(rate);
    words.textContent = inWords(rate);
    slider.setAttribute("aria-valuetext", words.textContent);
  }

  slider.addEventListener("input", () => {
    field.value = rateAt(Number(slider.value));
    show();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.addEventListener("input", (event) => { if (event.isTrusted) show(); });
  field.before(slider);
  field.after(words);
  show();
});
