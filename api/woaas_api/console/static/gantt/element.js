/**
 * <plan-gantt src="/v1/schedules/…/gantt" zone="Asia/Shanghai">: a plan as bars on work centers.
 *
 * Reads the public API with the reader's session. Scrolling is the browser's own; the canvas stays in view and
 * is drawn for the part that shows, so that thousands of bars cost what fits on the screen.
 */
import { hit, neighbour, read } from "./model.js";
import { AXIS, Painter, ROW } from "./painter.js";
import { Scale } from "./scale.js";

const ZOOM = 1.5;
const HOUR = 3_600_000;
const LEAST_HOUR_PX = 6;

class PlanGantt extends HTMLElement {
  connectedCallback() {
    this.words = JSON.parse(this.getAttribute("words"));
    this.scroller = this.querySelector(".gantt-scroll");
    this.sizer = this.querySelector(".gantt-size");
    this.tip = this.querySelector(".gantt-tip");
    this.said = this.querySelector(".gantt-said");
    this.painter = new Painter(this.querySelector("canvas"));
    this.selected = null;
    this._drawing = 0;
    this._listen();
    this._load();
  }

  disconnectedCallback() {
    this._ends.abort();
    this._size.disconnect();
    clearInterval(this._minute);
  }

  _listen() {
    this._ends = new AbortController();
    const { signal } = this._ends;
    const on = (target, type, does) => target.addEventListener(type, does, { signal });
    on(this.scroller, "scroll", () => this._later());
    on(this.scroller, "pointermove", (event) => event.pointerType === "mouse" && this._point(event));
    on(this.scroller, "pointerleave", () => this._select(null));
    on(this.scroller, "click", (event) => this._click(event));
    on(this.scroller, "keydown", (event) => this._key(event));
    on(this.scroller, "wheel", (event) => this._wheel(event));
    on(this, "click", (event) => this._tool(event.target.closest("[data-zoom]")?.dataset.zoom));
    on(document.body, "woaas:operation", () => this._load());
    on(document.body, "woaas:schedule", () => this._load());
    on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this._dress());
    this._size = new ResizeObserver(() => this.scale && this._lay());
    this._size.observe(this.scroller);
    this._minute = setInterval(() => this._later(), 30_000);
  }

  async _load() {
    const response = await fetch(this.getAttribute("src"), { headers: { "Woaas-Console": "1" } });
    if (!response.ok) {
      this.said.textContent = this.words.failed;
      this.classList.add("is-failed");
      return;
    }
    this.model = read(await response.json());
    const known = this.scale;
    this.scale = new Scale(this.model.start, this.model.end, this.getAttribute("zone"), document.documentElement.lang);
    this.selected = this.selected ? (this.model.byOperation.get(this.selected.operation) ?? null) : null;
    this.painter.labels = this.clientWidth < 600 ? 92 : 148;
    for (const row of this.model.rows) row.label ??= this.words.partners;
    if (known) this.scale.perMs = known.perMs;
    else this.scale.fit(Math.max(this._timeWidth(), ((this.model.end - this.model.start) / HOUR) * LEAST_HOUR_PX));
    this._dress();
    this._lay();
  }

  _timeWidth() {
    return Math.max(120, this.scroller.clientWidth - this.painter.labels - 12);
  }

  _dress() {
    this.painter.dress(this);
    this._later();
  }

  _lay() {
    this.scale.zoom(1, this._timeWidth());
    this.sizer.style.width = `${this.painter.labels + this.scale.width + 12}px`;
    this.sizer.style.height = `${AXIS + this.model.rows.length * ROW}px`;
    this._later();
  }

  _later() {
    this._drawing ||= requestAnimationFrame(() => {
      this._drawing = 0;
      if (this.model) this._draw();
    });
  }

  _draw() {
    const { scrollLeft: left, scrollTop: top, clientWidth: width, clientHeight: height } = this.scroller;
    const order = this.selected?.order;
    this.painter.draw({
      model: this.model, scale: this.scale, left, top, width, height, now: Date.now(), selected: this.selected, order,
    });
    this.dataset.bars = this.model.count;
  }

  _at(event) {
    const box = this.scroller.getBoundingClientRect();
    const x = event.clientX - box.left - this.painter.labels + this.scroller.scrollLeft;
    const y = event.clientY - box.top - AXIS + this.scroller.scrollTop;
    if (!this.model || event.clientX - box.left < this.painter.labels || y < 0) return null;
    return hit(this.model.rows[Math.floor(y / ROW)], this.scale.time(x), 2 / this.scale.perMs);
  }

  _point(event) {
    const bar = this._at(event);
    this.scroller.style.cursor = bar ? "pointer" : "";
    this._select(bar);
  }

  _click(event) {
    const bar = this._at(event);
    if (bar && bar === this.selected && event.pointerType !== "touch") this._open(bar);
    else this._select(bar);
  }

  _open(bar) {
    location.assign(`/console/orders/${encodeURIComponent(bar.order)}`);
  }

  _key(event) {
    if (!this.model) return;
    const { key } = event;
    if (key.startsWith("Arrow")) {
      const first = this.model.rows.find((row) => row.planned.length)?.planned[0] ?? null;
      this._select(this.selected ? neighbour(this.model.rows, this.selected, key) : first, true);
    } else if (key === "Enter" && this.selected) this._open(this.selected);
    else if (key === "Escape") this._select(null);
    else if (key === "+" || key === "=") this._tool("in");
    else if (key === "-") this._tool("out");
    else if (key === "0") this._tool("fit");
    else if (key === "n") this._tool("now");
    else return;
    event.preventDefault();
  }

  _wheel(event) {
    if (!event.ctrlKey || !this.scale) return;
    event.preventDefault();
    this._zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - this.scroller.getBoundingClientRect().left);
  }

  _tool(name) {
    if (!name || !this.scale) return;
    if (name === "in") this._zoom(ZOOM);
    if (name === "out") this._zoom(1 / ZOOM);
    if (name === "fit") this._zoom(0);
    if (name === "now") this.scroller.scrollLeft = this.scale.x(Date.now()) - this._timeWidth() / 3;
  }

  /** Zoom around a point of the view, which stays where it is. */
  _zoom(factor, around = this.painter.labels + this._timeWidth() / 2) {
    const time = this.scale.time(this.scroller.scrollLeft + around - this.painter.labels);
    this.scale.zoom(factor, this._timeWidth());
    this._lay();
    this.scroller.scrollLeft = this.scale.x(time) - around + this.painter.labels;
  }

  _select(bar, byKey = false) {
    if (bar === this.selected && !byKey) return;
    this.selected = bar;
    this.tip.hidden = !bar;
    if (bar) {
      if (byKey) this._reveal(bar);
      const lines = this._describe(bar);
      this.tip.replaceChildren(...lines.map((text, i) => Object.assign(document.createElement(i ? "span" : "b"), { textContent: text })));
      this.tip.classList.toggle("is-late", bar.late);
      this._place(bar);
      if (byKey) this.said.textContent = lines.join(", ");
    }
    this._later();
  }

  _describe(bar) {
    const { words, scale } = this;
    const lines = [`${bar.order} · ${bar.sequence} ${bar.name}`, `${scale.moment(bar.start)} – ${scale.moment(bar.end)}`];
    if (bar.operator) lines.push(bar.operator);
    if (bar.due) lines.push(`${bar.late ? words.late : words.due} ${scale.moment(bar.due)}`);
    if (bar.state) lines.push(words.states[bar.state] ?? bar.state);
    if (bar.reasons.length) lines.push(`${words.why}: ${bar.reasons.slice(0, 3).map((r) => this._reason(r)).join(" · ")}`);
    return lines;
  }

  _reason(text) {
    const kind = text.split(":")[0];
    return this.words.reasons[kind] ?? text;
  }

  _reveal(bar) {
    const { scroller } = this;
    const x = this.scale.x(bar.start);
    if (x < scroller.scrollLeft || x > scroller.scrollLeft + this._timeWidth() - 60) scroller.scrollLeft = x - 80;
    const y = bar.row * ROW;
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    if (y + ROW + AXIS > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + ROW + AXIS - scroller.clientHeight;
  }

  _place(bar) {
    const { scroller, tip } = this;
    const x = this.painter.labels + this.scale.x(bar.start) - scroller.scrollLeft;
    const y = scroller.offsetTop + AXIS + bar.row * ROW - scroller.scrollTop + ROW;
    tip.style.left = `${Math.max(8, Math.min(x, this.clientWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${y + tip.offsetHeight > this.clientHeight ? y - ROW - tip.offsetHeight : y}px`;
  }
}

customElements.define("plan-gantt", PlanGantt);
