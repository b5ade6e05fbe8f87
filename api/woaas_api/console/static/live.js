/** Follows the server's stream of changed nouns and tells the parts of the page that show them. */

const QUIET_MS = 250;

export function follow(url) {
  const changed = new Set();
  let timer = 0;
  let source = null;

  const tell = () => {
    timer = 0;
    // A refresh would take away the form that somebody is filling in.
    if (document.querySelector("[popover]:popover-open")) return;
    for (const noun of changed) document.body.dispatchEvent(new CustomEvent(`woaas:${noun}`));
    changed.clear();
  };
  const later = () => {
    timer ||= setTimeout(tell, QUIET_MS);
  };

  const open = () => {
    source = new EventSource(url);
    source.addEventListener("change", (event) => {
      for (const noun of event.data.split(" ")) changed.add(noun);
      if (changed.delete("*")) for (const part of shown()) changed.add(part);
      if (!document.hidden) later();
    });
    source.addEventListener("over", () => source.close());
  };
  const close = () => source?.close();

  document.addEventListener("toggle", () => changed.size && later(), true);
  document.addEventListener("visibilitychange", () => !document.hidden && changed.size && later());
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  open();
}

/** Every noun that some part of this page waits for. */
function shown() {
  const nouns = new Set();
  for (const part of document.querySelectorAll("[hx-trigger*='woaas:']")) {
    for (const match of part.getAttribute("hx-trigger").matchAll(/woaas:(\w+)/g)) nouns.add(match[1]);
  }
  return nouns;
}
