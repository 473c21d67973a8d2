// <button data-behaviour="json-format" data-target="#id_schema">: indents the JSON in a textarea.
// Works on the text as written, so that every number and escape stays exactly as it was typed.

import { behaviour } from "./behaviour.js";

const TOKENS = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

function indent(text) {
  let depth = 0;
  let before = "";
  let out = "";
  const line = () => "\n" + "  ".repeat(depth);
  for (const [token] of text.matchAll(TOKENS)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const opened = before === "{" || before === "[";
    if (opened ? !closes : closes || before === ",") out += line();
    out += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return out + "\n";
}

behaviour("json-format", (button) => {
  const area = document.querySelector(button.dataset.target);
  button.addEventListener("click", () => {
    try {
      JSON.parse(area.value);
      area.setCustomValidity("");
      area.value = indent(area.value);
    } catch (error) {
      area.setCustomValidity(error.message);
      area.reportValidity();
    }
  });
  area.addEventListener("input", () => area.setCustomValidity(""));
});
