"""Shares of the solver, deadlines and budgets of runs, and word of each change of a run."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import APP, AUDITOR, DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0012_farm"
down_revision = "0008_background_work"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_limits",
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("run_time", sa.Interval(), nullable=False),
        sa.Column("run_cpu_s", sa.Integer(), nullable=False),
        sa.Column("runs_at_once", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("plan", name=op.f("pk_plan_limits")),
    )
    op.create_table(
        "solver_shares",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("round_s", sa.Double(), nullable=False),
        sa.Column("spent_s", sa.Double(), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_solver_shares")),
        info={"tenant": True},
    )
    op.add_column("schedule_runs", sa.Column("deadline", sa.DateTime(timezone=True), nullable=True))
    for name, kind, default in (
        ("budget", sa.Interval(), "15 minutes"),
        ("cpu_s", sa.Double(), "0"),
        ("charged_s", sa.Double(), "0"),
    ):
        op.add_column("schedule_runs", sa.Column(name, kind, nullable=False, server_default=default))
    for statement in (
        f"GRANT SELECT ON plan_limits TO {APP}, {AUDITOR}, {DEFINER}",
        PLAN_LIMITS,
        *isolate("solver_shares", app="SELECT, INSERT, UPDATE"),
        *across_tenants(DEFINER, "solver_shares", "SELECT"),
        *definer_function(f"claimable_runs(most integer, brief interval, longest interval) RETURNS {TURN}", CLAIMABLE),
        # The solvers of the release before ask for any run.
        f"SET LOCAL ROLE {DEFINER}",
        ANY_RUN,
        f"SET LOCAL ROLE {OWNER}",
        *definer_function("solver_round() RETURNS double precision", ROUND),
        *definer_function(f"solver_load() RETURNS {LOAD_ROW}", LOAD),
        TELL,
        TELL_WHEN,
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the queue before had another order of turns; go on with this one")


PLAN_LIMITS = """
INSERT INTO plan_limits (plan, run_time, run_cpu_s, runs_at_once) VALUES
  ('standard', '15 minutes', 1800, 2),
  ('test', '5 minutes', 300, 1)
"""

# Runs to claim: due ones in the queue and those whose worker has let its lease run out; only those that need no
# longer than ``longest``, if that is given, and count as brief up to ``brief``. Between tenants deficit round robin (Shreedhar and Varghese 1996) with
# costs charged when a run begins and put right when it ends: a round is worth 20 CPU seconds, and who has spent beyond
# the round waits until it has come that far. Within a tenant by priority, deadline and age. A tenant with as many
# brief or as many long runs going as its plan allows is passed over. What only has to be brought to its end, because
# it was stopped or its deadline has passed, goes first and is held up by nothing.
TURN = "TABLE (tenant_id uuid, run_id uuid)"
CLAIMABLE = """
LANGUAGE sql STABLE AS $$
  WITH going AS (
    SELECT g.tenant_id, g.budget <= brief AS is_brief, count(*) AS n FROM schedule_runs g
    WHERE g.status IN ('solving', 'feasible') AND g.lease_until >= clock_timestamp() AND g.kind <> 'inquiry'
    GROUP BY 1, 2),
  due AS (
    SELECT r.tenant_id, r.id, r.priority, r.deadline, r.budget <= brief AS is_brief,
      CASE WHEN r.stop_requested THEN interval '0'
        ELSE greatest(interval '0', least(r.budget, r.deadline - clock_timestamp())) END AS need
    FROM schedule_runs r
    WHERE r.kind <> 'inquiry' AND (
      (r.status = 'queued' AND r.not_before <= clock_timestamp())
      OR (r.status IN ('solving', 'feasible') AND r.lease_until < clock_timestamp()))),
  shares AS (
    SELECT s.tenant_id, s.served_at,
      greatest(0, ceil((s.spent_s - max(s.round_s) OVER ()) / 20)) AS rounds_to_wait FROM solver_shares s)
  SELECT d.tenant_id, d.id FROM due d
  JOIN tenants t ON t.id = d.tenant_id
  LEFT JOIN plan_limits p ON p.plan = CASE WHEN t.livemode THEN t.plan ELSE 'test' END
  LEFT JOIN going ON going.tenant_id = d.tenant_id AND going.is_brief = d.is_brief
  LEFT JOIN shares ON shares.tenant_id = d.tenant_id
  WHERE d.need = interval '0' OR (
    (longest IS NULL OR d.need <= longest) AND coalesce(going.n, 0) < coalesce(p.runs_at_once, 1))
  ORDER BY d.need > interval '0', coalesce(shares.rounds_to_wait, 0), shares.served_at NULLS FIRST,
    d.priority, d.deadline NULLS LAST, d.id
  LIMIT most
$$
"""
ANY_RUN = """
CREATE OR REPLACE FUNCTION claimable_runs(most integer) RETURNS TABLE (tenant_id uuid, run_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT * FROM claimable_runs(most, '10 seconds', NULL) $$
"""

# Where the round stands.
ROUND = """
LANGUAGE sql STABLE AS $$ SELECT coalesce(max(round_s), 0) FROM solver_shares $$
"""

# What scaling goes by: CPU seconds that wait, at one thread a run, and how many runs are going.
LOAD_ROW = "TABLE (queue_s double precision, running bigint)"
LOAD = """
LANGUAGE sql STABLE AS $$
  SELECT
    coalesce(sum(extract(epoch FROM budget)) FILTER (WHERE NOT going), 0)::double precision,
    count(*) FILTER (WHERE going)
  FROM (
    SELECT budget, status <> 'queued' AND lease_until >= clock_timestamp() AS going FROM schedule_runs
    WHERE kind <> 'inquiry' AND status IN ('queued', 'solving', 'feasible') AND not_before <= clock_timestamp()) AS open
$$
"""

# Who follows a run hears of each change at once; the payload is an id and means nothing to other tenants.
TELL = """
CREATE FUNCTION tell_of_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('schedule_runs', NEW.id::text);
  RETURN NULL;
END $$
"""
TELL_WHEN = """
CREATE TRIGGER tell_of_run AFTER UPDATE OF status, progress, objective, stop_requested ON schedule_runs
FOR EACH ROW EXECUTE FUNCTION tell_of_run()
"""
