"""The table of jobs is swept early and without rests: each job leaves three dead rows, and a claim walks over them.

PostgreSQL only. The end of the table is not cut off, which would lock everybody out for a moment.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_SWEPT_EARLY = """
    alter table automation_jobs set (
        autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0.05, vacuum_truncate = false
    )
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_SWEPT_EARLY)
