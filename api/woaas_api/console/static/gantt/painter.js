/** Draws what is in view: axis, rows, bars and the line of now. Knows nothing of events. */

export const ROW = 42;
export const AXIS = 46;
const BAR_TOP = 7;
const BAR = 22;
const ACTUAL = 4;

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.labels = 0;
  }

  /** Take the colours of the page, which follow light and dark. */
  dress(element) {
    const style = getComputedStyle(element);
    const named = (name) => style.getPropertyValue(name).trim();
    this.isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.colour = {
      surface: named("--surface"), sunken: named("--sunken"), line: named("--line"), strong: named("--line-strong"),
      ink: named("--ink"), quiet: named("--ink-3"), accent: named("--accent"), red: named("--red"),
    };
    this.font = style.fontFamily;
  }

  draw({ model, scale, left, top, width, height, now, selected, order }) {
    const ratio = devicePixelRatio || 1;
    const { canvas } = this;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const c = canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = this.colour.surface;
    c.fillRect(0, 0, width, height);
    c.textBaseline = "middle";

    const view = { c, scale, left, right: left + width - this.labels, dx: this.labels - left };
    c.save();
    c.beginPath();
    c.rect(this.labels, 0, width - this.labels, height);
    c.clip();
    this._grid(view, height);
    const first = Math.max(0, Math.floor(top / ROW));
    const last = Math.min(model.rows.length - 1, Math.floor((top + height - AXIS) / ROW));
    c.save();
    c.beginPath();
    c.rect(this.labels, AXIS, width, height);
    c.clip();
    for (let i = first; i <= last; i += 1) this._row(view, model.rows[i], AXIS + i * ROW - top, selected, order);
    c.restore();
    this._now(view, now, height);
    c.restore();
    for (let i = first; i <= last; i += 1) this._label(c, model.rows[i].label, AXIS + i * ROW - top, width);
    this._corner(c, height);
  }

  _grid({ c, scale, left, right, dx }, height) {
    const { line, strong, quiet, ink } = this.colour;
    c.font = `12px ${this.font}`;
    for (const tick of scale.ticks(left, right)) {
      c.fillStyle = tick.isDay ? strong : line;
      c.fillRect(Math.round(tick.x + dx), tick.isDay ? 0 : 24, 1, height);
      c.fillStyle = quiet;
      if (tick.x + dx >= this.labels) c.fillText(tick.label, tick.x + dx + 6, 35);
    }
    c.font = `600 12px ${this.font}`;
    c.fillStyle = ink;
    for (const day of scale.days(left, right)) {
      const x = Math.max(day.x + dx, this.labels) + 6;
      if (x + c.measureText(day.label).width < day.end + dx) c.fillText(day.label, x, 13);
    }
    c.fillStyle = line;
    c.fillRect(0, AXIS - 1, right + dx, 1);
  }

  _row(view, row, y, selected, order) {
    const { c, scale, left, right, dx } = view;
    for (const bar of row.planned) {
      if (bar.end < scale.time(left) || bar.setup > scale.time(right)) continue;
      this._bar(view, bar, y, bar === selected, order && bar.order !== order);
    }
    for (const bar of row.actual) {
      const end = bar.end ?? Date.now();
      c.fillStyle = this.colour.ink;
      c.fillRect(scale.x(bar.start) + dx, y + BAR_TOP + BAR + 2, Math.max(2, scale.x(end) - scale.x(bar.start)), ACTUAL);
    }
  }

  _bar({ c, scale, dx }, bar, y, isSelected, isFaint) {
    const x = scale.x(bar.start) + dx;
    const width = Math.max(2, scale.x(bar.end) - scale.x(bar.start) - 1);
    const fill = this.isDark ? `hsl(${bar.hue} 42% 42%)` : `hsl(${bar.hue} 48% 40%)`;
    c.globalAlpha = isFaint ? 0.22 : 1;
    if (bar.setup < bar.start) {
      c.fillStyle = fill;
      c.globalAlpha *= 0.35;
      c.fillRect(scale.x(bar.setup) + dx, y + BAR_TOP, scale.x(bar.start) - scale.x(bar.setup), BAR);
      c.globalAlpha = isFaint ? 0.22 : 1;
    }
    c.fillStyle = fill;
    c.beginPath();
    c.roundRect(x, y + BAR_TOP, width, BAR, Math.min(4, width / 2));
    c.fill();
    if (bar.late) this._outline(c, x, y, width, this.colour.red, 2, 1);
    if (isSelected) this._outline(c, x, y, width, this.colour.ink, 2, -2.5);
    if (width > 24) {
      c.save();
      c.beginPath();
      c.rect(x, y, width - 4, ROW);
      c.clip();
      c.fillStyle = "#fff";
      c.font = `12px ${this.font}`;
      c.fillText(this._words(c, bar, width - 13), x + 7, y + BAR_TOP + BAR / 2 + 0.5);
      c.restore();
    }
    c.globalAlpha = 1;
  }

  /** As much of number and name as fits; a cut-off number would be another one. */
  _words(c, bar, width) {
    const short = bar.order.replace(/^.*?0*(?=\d+$)/, "");
    const fitting = [`${bar.order}  ${bar.name}`, `${bar.order}`, short].find((t) => c.measureText(t).width <= width);
    return fitting ?? "";
  }

  _outline(c, x, y, width, colour, thickness, inset) {
    c.strokeStyle = colour;
    c.lineWidth = thickness;
    c.beginPath();
    c.roundRect(x + inset, y + BAR_TOP + inset, Math.max(1, width - 2 * inset), BAR - 2 * inset, 4);
    c.stroke();
  }

  _now({ c, scale, dx }, now, height) {
    const x = Math.round(scale.x(now) + dx);
    if (x < this.labels) return;
    c.fillStyle = this.colour.red;
    c.fillRect(x, AXIS - 8, 1.5, height);
    c.beginPath();
    c.arc(x + 0.75, AXIS - 8, 4, 0, 7);
    c.fill();
  }

  _label(c, label, y, width) {
    const { surface, line, ink } = this.colour;
    c.fillStyle = surface;
    c.fillRect(0, Math.max(y, AXIS), this.labels, ROW);
    c.fillStyle = line;
    c.fillRect(0, y + ROW - 1, width, 1);
    if (y < AXIS - ROW / 2) return;
    c.fillStyle = ink;
    c.font = `560 13px ${this.font}`;
    c.fillText(label, 16, y + ROW / 2, this.labels - 24);
  }

  _corner(c, height) {
    c.fillStyle = this.colour.surface;
    c.fillRect(0, 0, this.labels, AXIS);
    c.fillStyle = this.colour.line;
    c.fillRect(0, AXIS - 1, this.labels, 1);
    c.fillStyle = this.colour.strong;
    c.fillRect(this.labels - 1, 0, 1, height);
  }
}
