// <button data-behaviour="copy" data-copy-from="#id">: copies that element's text or value;
// <button data-behaviour="copy" data-copy="text">: copies the given text.

import { behaviour } from "./behaviour.js";

function textFor(button) {
  if (button.dataset.copy !== undefined) return button.dataset.copy;
  const source = document.querySelector(button.dataset.copyFrom);
  return source.value ?? source.textContent;
}

// The clipboard API exists only on https and localhost; elsewhere the text is selected for the person to copy.
async function copy(button) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(textFor(button));
    return "Copied";
  }
  const source = document.querySelector(button.dataset.copyFrom ?? "body");
  if (source.select) source.select();
  else getSelection().selectAllChildren(source);
  return "Selected: press Ctrl+C";
}

behaviour("copy", (button) => {
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  button.addEventListener("click", async () => {
    label.textContent = await copy(button);
    setTimeout(() => { label.textContent = before; }, 1600);
  });
});
