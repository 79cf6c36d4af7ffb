"""What a clean database looks like, and the one statement that tells whether a used one still does.

A transaction's number is higher than those of all that were finished before it, and every row carries the number of the
one that wrote it. So a row with a number from the time after the last cleaning is new, and a row that is missing among
the older ones was changed or deleted. This holds for PostgreSQL's own catalogs as well, where a changed row means that
somebody changed the schema.
"""

# ruff: noqa: S608 - statements are made of names that the server itself has quoted

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from psycopg import sql
from psycopg.types.numeric import Int8

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

Pair = tuple[int, int]

SCHEMA = 2  # pairs at the beginning of the values that speak of the schema
LARGEST = 4 << 20  # bytes: with more rows than that, a new clone comes sooner than a look at each of them

NEWER = "xmin::text::bigint >= %(mark)s"
_COUNTS = f"count(*) FILTER (WHERE NOT {NEWER}) AS older, count(*) FILTER (WHERE {NEWER}) AS newer"
# In 32 bits, as rows carry it.
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295"
_SIZE = "SELECT coalesce(sum(pg_relation_size(number)), 0)::bigint FROM unnest(%s::oid[]) number"
_LARGE_OBJECTS = 2613  # pg_largeobject, in every PostgreSQL

# The catalogs of this database, each with the first column of its key: the number of what a row is about. Left out are
# pg_class (looked at below), what merely follows from the others, and what ANALYZE writes.
_CATALOGS = """
SELECT class.relname, attribute.attname, pg_relation_size(class.oid) <= 16384
FROM pg_class class
JOIN pg_index index ON index.indrelid = class.oid AND index.indisprimary
JOIN pg_attribute attribute ON attribute.attrelid = class.oid AND attribute.attnum = index.indkey[0]
WHERE class.relnamespace = 'pg_catalog'::regnamespace AND class.relkind = 'r' AND NOT class.relisshared
  AND class.relname NOT IN ('pg_class', 'pg_namespace', 'pg_statistic', 'pg_statistic_ext_data')
ORDER BY class.relname
"""

_OTHER_ROWS = (
    # A schema for temporary tables stays, empty, after the session that needed it.
    "FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'",
    "FROM pg_database WHERE datname = current_database()",
    "FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
)

# TRUNCATE, REFRESH and VACUUM write into pg_class without changing the schema, so here the columns that tell count.
_CLASSES = """
SELECT hashtextextended(coalesce(string_agg(concat_ws('/', oid, relname, relnamespace, reltype, reloftype, relowner,
  relam, reltablespace, reltoastrelid, relhasindex, relpersistence, relkind, relnatts, relchecks, relhasrules,
  relhastriggers, relrowsecurity, relforcerowsecurity, relispopulated, relreplident, relispartition, relacl::text,
  reloptions::text, relpartbound::text), ',' ORDER BY oid), ''), 0), count(*)
FROM pg_class WHERE oid >= 16384
"""

_TABLES = """
SELECT format('%I.%I', namespace.nspname, class.relname), ARRAY[class.oid, class.reltoastrelid],
  class.relkind = 'r'
  AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = class.oid AND tgenabled IN ('A', 'R'))
  AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = class.oid AND ev_enabled IN ('A', 'R')),
  (SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FROM pg_attribute
   WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')
FROM pg_class class JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
WHERE class.oid >= 16384 AND class.relkind IN ('r', 'm') AND class.relpersistence <> 't'
  AND namespace.nspname NOT IN ('pg_toast', 'information_schema')
ORDER BY class.oid
"""

_SEQUENCES = """
SELECT format('%I.%I', namespace.nspname, class.relname)
FROM pg_class class JOIN pg_namespace namespace ON namespace.oid = class.relnamespace
WHERE class.oid >= 16384 AND class.relkind = 'S' AND class.relpersistence <> 't'
ORDER BY class.oid
"""


@dataclass(frozen=True)
class Table:
    """A table or a materialised view, and what a reset must know of it.

    Attributes:
        name: Schema and name, quoted.
        numbers: Its object number, and that of the table with its long values if it has one.
        resettable: Whether nothing fires when its rows are put right, and it is no view.
        columns: Those that COPY takes, quoted; None if there are none.
        rows: What COPY says of the rows that it has in the template.
    """

    name: str
    numbers: tuple[int, ...]
    resettable: bool
    columns: str | None
    rows: bytes


@dataclass(frozen=True)
class Fingerprint:
    """A clean database.

    Attributes:
        tables: Its tables and materialised views.
        sequences: The names of its sequences, quoted.
        question: The statement that asks for the values; `mark` is the number of the first transaction after the last
            cleaning.
        short_question: Asks for the next transaction's number (and 0), then for the sequences.
        values: The answer on a clean database, a pair each: rows of the catalogs (older, newer); the classes (a hash
            and their number); rows of each table (older, newer); each sequence (last value, whether it was used).
        size: Bytes of all rows.
    """

    tables: tuple[Table, ...]
    sequences: tuple[str, ...]
    question: sql.SQL
    short_question: sql.SQL
    values: tuple[Pair, ...]
    size: int

    @property
    def sequence_values(self) -> tuple[Pair, ...]:
        """The part of the values that speaks of the sequences."""
        return self.values[SCHEMA + len(self.tables) :]

    @property
    def numbers(self) -> list[int]:
        """The object numbers of all that holds rows."""
        return [_LARGE_OBJECTS, *(number for table in self.tables for number in table.numbers)]


def take_fingerprint(connection: Connection) -> Fingerprint | None:
    """Look at a new clone. None if a database like it is not worth a reset: then each test gets a new clone.

    Args:
        connection: To the clone, with which nobody has worked yet.
    """
    if connection.info.parameter_status("is_superuser") != "on":
        return None  # only a superuser may silence triggers
    shapes = connection.execute(_TABLES).fetchall()
    size = measure(connection, [_LARGE_OBJECTS, *(number for shape in shapes for number in shape[1])])
    if size > LARGEST:
        return None
    tables = tuple(
        Table(name, tuple(numbers), resettable, columns, _copy_rows(connection, name, columns))
        for name, numbers, resettable, columns in shapes
    )
    sequences = tuple(name for (name,) in connection.execute(_SEQUENCES))
    schema = _schema_parts(connection.execute(_CATALOGS).fetchall())
    used = [f"SELECT last_value, is_called::int::bigint FROM {name}" for name in sequences]
    rows = [f"SELECT {_COUNTS} FROM ONLY {_escape(table.name)}" for table in tables]
    question = _compose([*schema, *rows, *map(_escape, used)])
    values = ask(connection, question, upcoming(connection))
    return Fingerprint(tables, sequences, question, _compose([f"{_NEXT}, 0::bigint", *used]), values, size)


def ask(connection: Connection, question: sql.SQL, mark: int) -> tuple[Pair, ...]:
    """Ask a database for the values of a fingerprint."""
    return pairs(connection.execute(question, {"mark": Int8(mark)}, prepare=True, binary=True))


def pairs(answer: Cursor) -> tuple[Pair, ...]:
    """Read the answer to a question or to a short question."""
    return tuple((int(first), int(second)) for _, first, second in answer)


def upcoming(connection: Connection) -> int:
    """The number that the next transaction on the server will have at least."""
    row = connection.execute(_NEXT).fetchone()
    return int(row[0]) if row else 0


def measure(connection: Connection, numbers: list[int]) -> int:
    """Bytes of the files behind these object numbers; missing ones count nothing."""
    row = connection.execute(_SIZE, [numbers], prepare=True).fetchone()
    return int(row[0]) if row else 0


def _copy_rows(connection: Connection, table: str, columns: str | None) -> bytes:
    """A table's rows as text: unlike the binary form, each type has it."""
    if columns is None:
        return b""
    statement = "COPY (SELECT {} FROM ONLY {}) TO STDOUT"
    with connection.cursor().copy(sql_of(statement.format(columns, table))) as copy:
        return b"".join(bytes(block) for block in copy)


def _schema_parts(catalogs: list[tuple[str, str, bool]]) -> tuple[str, str]:
    """What asks for the rows of the catalogs, and for the classes."""
    whole = [f"FROM {name}{'' if is_short else f' WHERE {key} >= 16384'}" for name, key, is_short in catalogs]
    counted = " UNION ALL ".join(f"SELECT {_COUNTS} {rows}" for rows in [*whole, *_OTHER_ROWS])
    return f"SELECT sum(older)::bigint, sum(newer)::bigint FROM ({counted}) catalog", _CLASSES


def _compose(parts: list[str]) -> sql.SQL:
    """One statement for all pairs, a numbered row each: a single trip to the server."""
    numbered = (f"SELECT {place} AS place, * FROM ({part}) part{place}" for place, part in enumerate(parts))
    return sql_of(" UNION ALL ".join(numbered) + " ORDER BY place")


def sql_of(text: str) -> sql.SQL:
    """Statements made of names that the server itself has quoted."""
    return sql.SQL(cast("Any", text))


def _escape(name: str) -> str:
    """A name for a statement with parameters, where a per cent sign is written twice."""
    return name.replace("%", "%%")
