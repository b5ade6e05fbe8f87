/** What every page does: live refresh, copying, shortcuts. Pages work without it; it only makes them quicker. */
import "./files.js";
import { follow } from "./live.js";

const source = document.body.dataset.live;
if (source) follow(source);
// On a phone the places are a strip that may be longer than the screen is wide.
document.querySelector(".rail nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.parentElement.querySelector("code, .copied-text").textContent);
    copy.classList.add("is-done");
    setTimeout(() => copy.classList.remove("is-done"), 1200);
  }
  event.target.closest("[data-dismiss]")?.closest(".notice").remove();
});

// A second click on a button that is already at work would do the thing twice.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable], [popover], plan-gantt")) return;
  const field = document.querySelector(`[data-focus-key="${CSS.escape(event.key)}"]`);
  if (field) {
    event.preventDefault();
    field.focus();
    return;
  }
  document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
});
