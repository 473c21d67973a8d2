// <form data-behaviour="autosubmit">: a filter form sends itself when a choice changes, and leaves empty fields out of the URL.
// Text fields wait for Enter, so that typing is never interrupted.

import { behaviour } from "./behaviour.js";

behaviour("autosubmit", (form) => {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=checkbox], input[type=radio]")) form.requestSubmit();
  });
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) {
      if (value === "") event.formData.delete(name);
    }
  });
});
