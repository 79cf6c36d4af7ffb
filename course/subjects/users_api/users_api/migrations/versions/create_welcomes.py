"""Which events the mailer has handled."""

import sqlalchemy as sa
from alembic import op

revision = "create_welcomes"
down_revision = "create_outbox"


def upgrade() -> None:
    op.create_table("welcomes", sa.Column("event_id", sa.String(100), primary_key=True))


def downgrade() -> None:
    op.drop_table("welcomes")
