/** The bars of a plan as the chart needs them: parsed once, sorted by time in each row. */

const HUES = [174, 212, 265, 24, 338, 140, 48, 190, 290, 8, 100, 232];

const LOOK_BACK_MS = 12 * 3_600_000;

export function read(gantt) {
  const rows = gantt.rows.map((row, index) => {
    const bars = row.bars.filter((b) => b.start_at).map((b) => parse(b, index));
    bars.sort((a, b) => a.start - b.start);
    return { label: row.work_center, planned: bars.filter((b) => b.kind !== "actual"), actual: bars.filter((b) => b.kind === "actual") };
  });
  const all = rows.flatMap((row) => row.planned);
  const ends = all.map((b) => b.end);
  const starts = all.map((b) => b.setup);
  return {
    rows,
    start: Math.min(...starts, ...begun(rows, Date.parse(gantt.start_at))),
    end: ends.length ? Math.max(...ends) : Date.parse(gantt.end_at),
    count: all.length,
    byOperation: new Map(all.map((b) => [b.operation, b])),
  };
}

/** The plan's start, and work that began before it, as far back as still helps. */
function begun(rows, start) {
  const early = rows.flatMap((row) => row.actual).map((b) => b.start).filter((at) => at > start - LOOK_BACK_MS);
  return [start, ...early];
}

function parse(bar, row) {
  const start = Date.parse(bar.start_at);
  return {
    row,
    kind: bar.kind,
    operation: bar.operation_id,
    order: bar.number ?? bar.work_order_id ?? "",
    hue: HUES[hash(bar.work_order_id ?? bar.operation_id ?? "") % HUES.length],
    setup: bar.setup_start_at ? Date.parse(bar.setup_start_at) : start,
    start,
    end: bar.end_at ? Date.parse(bar.end_at) : null,
    due: bar.due_at ? Date.parse(bar.due_at) : null,
    late: bar.late === true,
    pinned: bar.pinned === true,
    outsourced: bar.outsourced === true,
    name: bar.name ?? "",
    sequence: bar.sequence ?? "",
    state: bar.state ?? "",
    operator: bar.operator ?? "",
    reasons: bar.reasons ?? [],
  };
}

function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

/** The planned bar of a row that covers a time, if any. */
export function hit(row, time, slackMs) {
  return row?.planned.find((b) => b.setup - slackMs <= time && time <= b.end + slackMs) ?? null;
}

/** The bar to go to from another with an arrow key; stays where there is none. */
export function neighbour(rows, bar, key) {
  const { planned } = rows[bar.row];
  const at = planned.indexOf(bar);
  if (key === "ArrowLeft") return planned[at - 1] ?? bar;
  if (key === "ArrowRight") return planned[at + 1] ?? bar;
  const step = key === "ArrowUp" ? -1 : 1;
  for (let i = bar.row + step; i >= 0 && i < rows.length; i += step) {
    const nearest = [...rows[i].planned].sort((a, b) => Math.abs(a.start - bar.start) - Math.abs(b.start - bar.start))[0];
    if (nearest) return nearest;
  }
  return bar;
}
