"""What ended in each minute, counted with the ending itself; begun with what the kept jobs say."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_FROM_JOBS = """
    insert into job_minutes (minute, part, completed, failed, cancelled)
    select completed_at / 60000000 * 60000000, 0,
        sum(case when status = 'completed' then 1 else 0 end),
        sum(case when status = 'failed' then 1 else 0 end),
        sum(case when status = 'cancelled' then 1 else 0 end)
    from automation_jobs where completed_at is not null group by 1
"""


def upgrade() -> None:
    op.create_table(
        "job_minutes",
        sa.Column("minute", Instant(), nullable=False, comment="its first moment"),
        sa.Column(
            "part", sa.Integer(), autoincrement=False, nullable=False, comment="0, or the connection that is still counting"
        ),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "part", name=op.f("pk_job_minutes")),
    )
    op.execute(_FROM_JOBS)
