/** Time to pixels, and the ticks of the axis in the plant's zone. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [5, 15, 30, 60, 120, 240, 360, 720].map((m) => m * MINUTE).concat(DAY, 2 * DAY, 7 * DAY);
const LEAST_TICK_PX = 58;
const FINEST = 3 / MINUTE;

export class Scale {
  constructor(start, end, zone, locale) {
    this.start = start;
    this.end = Math.max(end, start + HOUR);
    this.perMs = 0;
    const named = (options) => new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: "h23", ...options });
    this._clock = named({ hour: "2-digit", minute: "2-digit" });
    this._day = named({ weekday: "short", month: "short", day: "numeric" });
    this._moment = named({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    this._parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
    });
    this._offsets = new Map();
  }

  get width() {
    return (this.end - this.start) * this.perMs;
  }

  x(time) {
    return (time - this.start) * this.perMs;
  }

  time(x) {
    return this.start + x / this.perMs;
  }

  /** Fill a width; never finer than the finest zoom. */
  fit(width) {
    this.perMs = Math.min(width / (this.end - this.start), FINEST);
  }

  /** Zoom by a factor, but not out beyond the whole plan. */
  zoom(factor, width) {
    const widest = width / (this.end - this.start);
    this.perMs = Math.min(Math.max(this.perMs * factor, widest), FINEST);
  }

  /** The ticks between two pixels: the time, its label, and whether a local day begins there. */
  *ticks(from, to) {
    const step = STEPS.find((s) => s * this.perMs >= LEAST_TICK_PX) ?? STEPS.at(-1);
    const local = this.time(from) + this._offset(this.time(from));
    let at = Math.floor(local / step) * step - this._offset(this.time(from));
    while (this.x(at) <= to) {
      const minutes = (at + this._offset(at)) % DAY;
      const isDay = minutes === 0;
      yield { x: this.x(at), isDay, label: step >= DAY ? this._day.format(at) : this._clock.format(at) };
      at += step;
    }
  }

  /** The local days between two pixels, for the upper line of the axis. */
  *days(from, to) {
    const first = this.time(from);
    let at = Math.floor((first + this._offset(first)) / DAY) * DAY - this._offset(first);
    while (this.x(at) <= to) {
      const next = at + DAY + (this._offset(at) - this._offset(at + DAY));
      yield { x: this.x(at), end: this.x(next), label: this._day.format(at + HOUR) };
      at = next;
    }
  }

  moment(time) {
    return this._moment.format(time);
  }

  clock(time) {
    return this._clock.format(time);
  }

  /** How far local time is ahead of UTC, looked up once an hour of the plan. */
  _offset(time) {
    const hour = Math.floor(time / HOUR);
    let found = this._offsets.get(hour);
    if (found === undefined) {
      const p = Object.fromEntries(this._parts.formatToParts(hour * HOUR).map((part) => [part.type, Number(part.value)]));
      found = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute) - hour * HOUR;
      this._offsets.set(hour, found);
    }
    return found;
  }
}
