// Loaded by every page. A page that needs more adds its own module in {% block scripts %}.

import "./autosubmit.js";
import "./copy.js";
import "./json-format.js";
import "./live.js";
import "./theme.js";

document.documentElement.dataset.scripts = "";
