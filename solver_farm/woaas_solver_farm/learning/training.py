"""All SQL of learning: closed operations as samples, what a model learns of them, and those held back.

A sample is a completed operation with run reports that count (a corrected report does not). Its times are the union of
its reports' spans, since two people at one machine do not take it twice as long; its work center the one it ran on
longest; its time the end of its last report. Aggregation is the database's: a training is three statements, however
many reports there are.

Outliers: of each cell, samples whose logarithm lies more than 3 x 1.4826 MAD from the cell's median are left out
(F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974), then quantiles are taken.

The exponent of the quantity is the slope of log time over log quantity among all samples of an operation's name, kept
within 0 and 1 and drawn towards 1 as if ten more samples said so.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_solver_farm.learning.comparison import Taken
from woaas_solver_farm.learning.estimates import Durations, Key, Learned

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

HOLDOUT_SHARE = 0.2
MAX_HOLDOUT = 20_000

_SAMPLES = """
    WITH counted AS MATERIALIZED (
      SELECT r.operation_id, r.kind, r.work_center, r.started_at, r.ended_at
      FROM reports r JOIN operations o ON o.tenant_id = r.tenant_id AND o.id = r.operation_id
      WHERE r.tenant_id = $1 AND o.state = 'completed' AND r.kind IN ('run', 'setup') AND r.ended_at > r.started_at
        AND NOT EXISTS (SELECT FROM reports c WHERE c.tenant_id = r.tenant_id AND c.corrects = r.id)),
    spans AS (
      SELECT operation_id, kind, range_agg(tstzrange(started_at, ended_at)) AS covered, max(ended_at) AS ended_at
      FROM counted GROUP BY operation_id, kind),
    lengths AS (
      SELECT operation_id, kind, ended_at, s.seconds
      FROM spans, LATERAL (
        SELECT sum(extract(epoch FROM upper(one) - lower(one)))::float8 AS seconds FROM unnest(covered) AS one) s),
    times AS (
      SELECT operation_id, max(ended_at) AS ended_at, sum(seconds) FILTER (WHERE kind = 'run') AS run_s,
        coalesce(sum(seconds) FILTER (WHERE kind = 'setup'), 0) AS setup_s
      FROM lengths GROUP BY operation_id),
    machines AS (
      SELECT DISTINCT ON (operation_id) operation_id, work_center
      FROM (SELECT operation_id, work_center, sum(ended_at - started_at) AS worked FROM counted
            WHERE kind = 'run' GROUP BY operation_id, work_center) w
      ORDER BY operation_id, worked DESC, work_center),
    samples AS (
      SELECT w.product, o.name AS operation, coalesce(m.work_center, '') AS work_center,
        w.quantity::float8 AS quantity, t.run_s, t.setup_s, t.ended_at,
        extract(epoch FROM o.unit_time)::float8 AS standard_unit_s,
        extract(epoch FROM o.setup_time)::float8 AS standard_setup_s
      FROM times t
      JOIN operations o ON o.tenant_id = $1 AND o.id = t.operation_id
      JOIN work_orders w ON w.tenant_id = $1 AND w.id = o.work_order_id
      JOIN machines m ON m.operation_id = t.operation_id
      WHERE t.run_s > 0 AND w.quantity > 0 AND t.ended_at >= $2)
"""
_EXTENT = Statement.text(
    f"""{_SAMPLES}
    SELECT count(*) AS operations, min(ended_at) AS first_at, max(ended_at) AS last_at,
      percentile_disc(1 - $3::float8) WITHIN GROUP (ORDER BY ended_at) AS cut_at
    FROM samples
    """,  # noqa: S608 - constants of this module
    *("tenant_id", "since", "holdout_share"),
)
_TRAIN = Statement.text(
    f"""{_SAMPLES},
    exponents AS (
      SELECT operation, (10 + count(*) * CASE WHEN var_pop(ln(quantity)) > 1e-6
          THEN least(1, greatest(0, regr_slope(ln(run_s), ln(quantity)))) ELSE 1 END) / (10 + count(*)) AS exponent
      FROM samples WHERE ended_at < $3 GROUP BY operation),
    levels AS (
      SELECT l.product, s.operation, l.work_center, x.exponent, nullif(s.setup_s, 0) AS setup_s,
        s.run_s / power(s.quantity, x.exponent) AS unit_s,
        s.run_s / power(s.quantity, x.exponent) / nullif(s.standard_unit_s, 0) AS ratio
      FROM samples s JOIN exponents x USING (operation), LATERAL (
        SELECT DISTINCT v.* FROM (VALUES (s.product, s.work_center), (s.product, ''), ('', s.work_center))
          AS v (product, work_center) WHERE v.product <> '' OR v.work_center <> '') l
      WHERE s.ended_at < $3),
    centers AS (
      SELECT product, operation, work_center, percentile_cont(0.5) WITHIN GROUP (ORDER BY ln(unit_s)) AS unit,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY ln(setup_s)) AS setup
      FROM levels GROUP BY 1, 2, 3),
    deviations AS (
      SELECT l.*, abs(ln(l.unit_s) - c.unit) AS off, abs(ln(l.setup_s) - c.setup) AS setup_off
      FROM levels l JOIN centers c USING (product, operation, work_center)),
    spreads AS (
      SELECT product, operation, work_center,
        3 * 1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY off) AS allowed,
        3 * 1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY setup_off) AS setup_allowed
      FROM deviations GROUP BY 1, 2, 3),
    kept AS (
      SELECT d.product, d.operation, d.work_center, d.exponent, d.setup_s,
        CASE WHEN d.off <= s.allowed OR s.allowed = 0 THEN d.unit_s END AS unit_s,
        CASE WHEN d.off <= s.allowed OR s.allowed = 0 THEN d.ratio END AS ratio,
        CASE WHEN d.setup_off <= s.setup_allowed OR s.setup_allowed = 0 THEN d.setup_s END AS usual_setup_s
      FROM deviations d JOIN spreads s USING (product, operation, work_center)),
    cells AS (
      SELECT product, operation, work_center, count(unit_s) AS operations, max(exponent) AS exponent,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY unit_s) AS run_median_s,
        percentile_cont($4::float8) WITHIN GROUP (ORDER BY unit_s) AS run_quantile_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio) AS ratio_median,
        percentile_cont($4::float8) WITHIN GROUP (ORDER BY ratio) AS ratio_quantile,
        count(usual_setup_s) AS setups, 2 * count(setup_s) >= count(*) AS are_setups_reported,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY usual_setup_s) AS setup_median_s,
        percentile_cont($4::float8) WITHIN GROUP (ORDER BY usual_setup_s) AS setup_quantile_s
      FROM kept GROUP BY 1, 2, 3),
    written AS (
      INSERT INTO duration_estimates (tenant_id, model_id, product, operation, work_center, operations, exponent,
        run_median_s, run_quantile_s, ratio_median, ratio_quantile, setups, setup_median_s, setup_quantile_s)
      SELECT $1, $5, product, operation, work_center, operations, exponent, run_median_s, run_quantile_s, ratio_median,
        ratio_quantile, CASE WHEN are_setups_reported THEN setups ELSE 0 END,
        CASE WHEN are_setups_reported THEN setup_median_s END, CASE WHEN are_setups_reported THEN setup_quantile_s END
      FROM cells WHERE operations > 0
      RETURNING 1)
    SELECT (SELECT count(*) FROM samples WHERE ended_at < $3) AS operations, (SELECT count(*) FROM written) AS cells
    """,  # noqa: S608
    *("tenant_id", "since", "until", "quantile", "model_id"),
)
_HOLDOUT = Statement.text(
    f"""{_SAMPLES}
    SELECT product, operation, work_center, quantity, run_s, setup_s, standard_unit_s, standard_setup_s
    FROM samples WHERE ended_at >= $3 ORDER BY ended_at DESC LIMIT $4
    """,  # noqa: S608
    *("tenant_id", "since", "until", "limit"),
)
_ESTIMATES = Statement.text(
    """
    SELECT e.*, m.model_version FROM duration_models m
    JOIN duration_estimates e ON e.tenant_id = m.tenant_id AND e.model_id = m.id
    WHERE m.tenant_id = $1 AND m.id = $2
    """,
    *("tenant_id", "model_id"),
)


class Extent(NamedTuple):
    """How much there is to learn from; the hold-out begins at ``cut_at``."""

    operations: int
    first_at: datetime | None
    last_at: datetime | None
    cut_at: datetime | None


async def extent(uow: "UnitOfWork", since: datetime) -> Extent:
    """The closed operations whose last report ended at ``since`` or after."""
    row = await uow.first(_EXTENT, tenant_id=uow.tenant, since=since, holdout_share=HOLDOUT_SHARE)
    assert row is not None
    return Extent(*row.values())


async def train(
    uow: "UnitOfWork", model_id: UUID, *, since: datetime, until: datetime, quantile: float
) -> "tuple[int, int]":
    """Write what operations of ``[since, until)`` say; returns how many they were and how many cells they made."""
    row = await uow.first(_TRAIN, tenant_id=uow.tenant, model_id=model_id, since=since, until=until, quantile=quantile)
    assert row is not None
    return row["operations"], row["cells"]


async def holdout(uow: "UnitOfWork", *, since: datetime, until: datetime) -> list[Taken]:
    """The operations from ``until`` on, the latest first."""
    rows = await uow.all(_HOLDOUT, tenant_id=uow.tenant, since=since, until=until, limit=MAX_HOLDOUT)
    return [Taken(*row.values()) for row in rows]


async def learned(uow: "UnitOfWork", model_id: UUID) -> tuple[Durations, Durations]:
    """What a model knows: its medians, and its quantiles."""
    rows = await uow.all(_ESTIMATES, tenant_id=uow.tenant, model_id=model_id)
    return _durations(rows, "median"), _durations(rows, "quantile")


def _durations(rows: "Sequence[Record]", which: str) -> Durations:
    cells: dict[Key, Learned] = {
        (r["product"], r["operation"], r["work_center"]): Learned(
            r["operations"], r["exponent"], r[f"run_{which}_s"], r[f"ratio_{which}"], r["setups"], r[f"setup_{which}_s"]
        )
        for r in rows
    }
    return Durations(rows[0]["model_version"] if rows else None, cells)
