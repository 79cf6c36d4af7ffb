"""Where Alembic begins: `users_api.database.migrate` hands over a connection, and the versions run on it."""

from alembic import context
from users_api.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
