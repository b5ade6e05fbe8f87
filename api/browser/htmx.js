// The console's one library; a strict content policy forbids the evaluation it would do for hx-on and filters.
import htmx from "htmx.org";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
window.htmx = htmx;
