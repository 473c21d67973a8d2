// Light, dark or as the system says. Kept in a cookie, so that the server renders the right theme at once.

import { behaviour } from "./behaviour.js";

const YEAR = 365 * 24 * 60 * 60;

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

behaviour("theme", (button) => {
  const tell = () => button.setAttribute("aria-pressed", String(isDark()));
  tell();
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
    tell();
  });
});
