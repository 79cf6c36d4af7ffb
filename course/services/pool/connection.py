"""How the pool itself connects: to the server it was given and to nothing that the environment names."""

from __future__ import annotations

from typing import Any

import psycopg

from course.services.server import Server

# No object of a learner's database may stand in for one of PostgreSQL's own, no setting of it may change how values
# are written down, and no statement may wait for ever
_SETTINGS = (
    "search_path=pg_catalog datestyle=ISO intervalstyle=postgres extra_float_digits=1"
    " default_transaction_read_only=off statement_timeout=120s lock_timeout=120s"
)
# Triggers and foreign keys stay silent, as for a replica, and what is written is not counted; only superusers may
_AS_REPLICA = " session_replication_role=replica track_counts=off"
_PATIENCE = 10  # seconds to connect, and to go without an answer of a machine


def connect(server: Server, database: str = "postgres", *, as_replica: bool = False) -> psycopg.Connection[Any]:
    """Open a connection in autocommit mode, over the server's socket where it has one.

    Args:
        server: Where to connect; PGHOSTADDR and its like in the environment are not looked at.
        database: The database's name.
        as_replica: Write without triggers, foreign keys and counts. Needs a superuser.

    Raises:
        psycopg.Error: It could not connect.
    """
    settings = (_SETTINGS + (_AS_REPLICA if as_replica else "")).split()
    return psycopg.connect(
        server.url(database, driver=None),
        host=str(server.socket_dir or server.host),
        hostaddr="",
        options=" ".join(f"-c {setting}" for setting in settings),
        application_name="course pool",
        connect_timeout=_PATIENCE,
        tcp_user_timeout=_PATIENCE * 1000,
        autocommit=True,
    )


def is_open(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has not ended this session, as far as can be seen without asking it."""
    try:
        for _ in range(2):  # its last words, then the end
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return connection.pgconn.status == psycopg.pq.ConnStatus.OK
