"""What a test may do to its database, and that the next one sees none of it.

A dump by pg_dump is the judge: it knows nothing of how a database is put right.
"""

# ruff: noqa: E501, S608 - a statement is read best on one line; the figures in them are ours

from __future__ import annotations

import subprocess
import time

import psycopg
import pytest

from course.services.embedded import binaries
from course.services.embedded.postgres import Embedded
from course.services.pool.clones import Clones, is_open
from course.services.providers.postgres import postgres

SCHEMA = """
CREATE SCHEMA shop;
CREATE TYPE shop.size AS ENUM ('small', 'large');
CREATE DOMAIN shop.percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE users (
  id serial PRIMARY KEY, email text NOT NULL UNIQUE, at timestamptz DEFAULT now(), data jsonb, picture bytea,
  score float8, tags text[], shout text GENERATED ALWAYS AS (upper(email)) STORED);
CREATE TABLE orders (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE,
  size shop.size, discount shop.percent);
CREATE TABLE shop."Odd ""name"" % {x}" ("per % cent" text, "br{a}ce" text);
CREATE TABLE nothing ();
CREATE UNLOGGED TABLE visits (id bigserial, page text);
CREATE TABLE events (id serial, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE animals (name text);
CREATE TABLE dogs (breed text) INHERITS (animals);
CREATE TABLE secrets (owner text, secret text);
CREATE TABLE audited (id serial, note text);
CREATE TABLE audit (id serial, what text);
CREATE SEQUENCE shop.invoice START 1000 INCREMENT 7;
CREATE SEQUENCE untouched;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO public.audit (what) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON audited FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE watched (id int);
CREATE TRIGGER always AFTER INSERT OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE watched ENABLE ALWAYS TRIGGER always;
CREATE RULE keep AS ON DELETE TO dogs DO INSTEAD NOTHING;
CREATE VIEW names AS SELECT email FROM users;
INSERT INTO users (email, data, picture, score, tags)
  SELECT 'user' || n || '@test', '{"a": [1, null]}', '\\x00ff', 0.1 + n, ARRAY['x', NULL, 'a,"b\\'] FROM generate_series(1, 20) n;
INSERT INTO orders (user_id, size, discount) SELECT n, 'small', 5 FROM generate_series(1, 10) n;
INSERT INTO shop."Odd ""name"" % {x}" VALUES ('%s', '{}'), (E'tab\\t new\\n line \\\\', NULL);
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO events (day) VALUES ('2025-05-05'), ('2026-06-06');
INSERT INTO animals VALUES ('Mia'); INSERT INTO dogs VALUES ('Rex', 'collie');
INSERT INTO secrets VALUES ('ann', 'x');
INSERT INTO audited (note) VALUES ('first'); INSERT INTO watched VALUES (1);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS users FROM users;
SELECT nextval('shop.invoice');
"""

UNDONE = {
    "nothing": "SELECT 1",
    "reads": "SELECT * FROM users, orders",
    "inserts": "INSERT INTO users (email) VALUES ('new');; INSERT INTO orders (user_id) VALUES (21)",
    "inserts and takes it back": "BEGIN;; INSERT INTO users (email) VALUES ('new');; ROLLBACK",
    "inserts after a savepoint": "BEGIN;; SAVEPOINT s;; INSERT INTO users (email) VALUES ('new');; RELEASE s;; COMMIT",
    "updates": "UPDATE users SET email = 'changed' WHERE id = 3",
    "updates and changes it back": "UPDATE users SET score = score + 1;; UPDATE users SET score = score - 1",
    "deletes one": "DELETE FROM orders WHERE id = 4",
    "deletes with a cascade": "DELETE FROM users WHERE id < 5",
    "deletes one and inserts one": "DELETE FROM orders WHERE id = 4;; INSERT INTO orders (user_id) VALUES (1)",
    "deletes one and inserts the same": (
        "WITH gone AS (DELETE FROM secrets RETURNING *) INSERT INTO secrets SELECT * FROM gone"
    ),
    "copies": "COPY users (email) FROM PROGRAM 'echo copied'",
    "writes to odd names": """UPDATE shop."Odd ""name"" % {x}" SET "br{a}ce" = 'y'""",
    "fills a table without columns": "INSERT INTO nothing DEFAULT VALUES",
    "loses a row without columns": "DELETE FROM nothing",
    "writes to an unlogged table": "INSERT INTO visits (page) VALUES ('/')",
    "writes to partitions": "INSERT INTO events (day) VALUES ('2025-01-02');; DELETE FROM events WHERE day > '2026-01-01'",
    "moves between partitions": "UPDATE events SET day = '2026-01-01' WHERE day < '2026-01-01'",
    "writes to a parent and its child": "UPDATE animals SET name = 'Tom';; INSERT INTO dogs VALUES ('Max', 'pug')",
    "writes to what has policies": "INSERT INTO secrets VALUES ('bob', 'y');; DELETE FROM secrets WHERE owner = 'ann'",
    "fires triggers": "INSERT INTO audited (note) VALUES ('x');; DELETE FROM audited WHERE note = 'first'",
    "advances sequences": "SELECT nextval('shop.invoice'), nextval('untouched'), setval('users_id_seq', 500)",
    "sets a sequence to its start": "SELECT setval('shop.invoice', 1000, false)",
    "writes long values": "INSERT INTO secrets SELECT 'x', string_agg(md5(n::text), '') FROM generate_series(1, 800) n",
    "vacuums": "DELETE FROM orders;; VACUUM FREEZE orders",
    "locks": "BEGIN;; LOCK TABLE users;; SELECT pg_advisory_xact_lock(1);; COMMIT",
    "violates a constraint": "DO $$ BEGIN INSERT INTO orders (user_id) VALUES (99999); EXCEPTION WHEN OTHERS THEN NULL; END $$",
}

REPLACED = {
    "truncates": "TRUNCATE users CASCADE",
    "works with temporary tables": "CREATE TEMP TABLE mine AS SELECT * FROM users;; INSERT INTO mine (email) VALUES ('x')",
    "analyses": "ANALYZE",
    "creates a table and takes it back": "BEGIN;; CREATE TABLE mine (id int);; INSERT INTO users (email) VALUES ('x');; ROLLBACK",
    "creates a table": "CREATE TABLE mine (id int)",
    "drops a table": "DROP TABLE orders",
    "drops a table and creates one like it": "DROP TABLE nothing;; CREATE TABLE nothing ();; INSERT INTO nothing DEFAULT VALUES",
    "renames a table": "ALTER TABLE orders RENAME TO requests",
    "renames a table there and back": "ALTER TABLE orders RENAME TO o;; ALTER TABLE o RENAME TO orders",
    "adds a column": "ALTER TABLE users ADD COLUMN age int",
    "drops a constraint": "ALTER TABLE users DROP CONSTRAINT users_email_key",
    "changes a default": "ALTER TABLE users ALTER email SET DEFAULT 'x'",
    "creates an index": "CREATE INDEX ON users (score)",
    "creates a schema": "CREATE SCHEMA mine",
    "drops a schema": "DROP SCHEMA shop CASCADE",
    "grants on the public schema": "GRANT CREATE ON SCHEMA public TO PUBLIC",
    "grants on a table": "GRANT SELECT ON users TO PUBLIC",
    "creates a function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "replaces a function": "CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "disables a trigger": "ALTER TABLE audited DISABLE TRIGGER note",
    "drops a policy": "DROP POLICY own ON secrets",
    "switches row level security off": "ALTER TABLE secrets NO FORCE ROW LEVEL SECURITY",
    "adds a value to an enum": "ALTER TYPE shop.size ADD VALUE 'huge'",
    "changes a domain": "ALTER DOMAIN shop.percent DROP CONSTRAINT percent_check",
    "replaces a view": "CREATE OR REPLACE VIEW names AS SELECT shout AS email FROM users",
    "refreshes a materialised view": "INSERT INTO users (email) VALUES ('x');; REFRESH MATERIALIZED VIEW totals",
    "changes a sequence": "ALTER SEQUENCE shop.invoice INCREMENT 2",
    "creates a sequence": "CREATE SEQUENCE mine",
    "attaches a partition": "CREATE TABLE e27 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
    "detaches a partition": "ALTER TABLE events DETACH PARTITION events_2025",
    "changes the database's settings": "ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'",
    "closes the database": "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "sets default privileges": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "drops an extension": "DROP EXTENSION plpgsql CASCADE",
    "creates a large object": "SELECT lo_from_bytea(0, 'x')",
    "comments": "COMMENT ON TABLE users IS 'hello'",
    "creates a cast": "CREATE CAST (shop.size AS int) WITH INOUT",
    "creates an operator": "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
    "creates statistics": "CREATE STATISTICS mine ON email, score FROM users",
    "publishes": "CREATE PUBLICATION mine FOR TABLE users",
    "creates an event trigger": "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';; "
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION f()",
    "makes a table unlogged": "ALTER TABLE orders SET UNLOGGED",
    "sets a storage parameter": "ALTER TABLE orders SET (fillfactor = 50)",
    "writes where a trigger always fires": "INSERT INTO watched VALUES (2)",
    "leaves a table in a session": "CREATE TABLE mine (id int);; INSERT INTO mine VALUES (1);; INSERT INTO users (email) VALUES ('x')",
    "writes much": "INSERT INTO visits (page) SELECT repeat('x', 100) FROM generate_series(1, 20000)",
    "writes one enormous value": "INSERT INTO users (email, picture) SELECT 'big', decode(string_agg(md5(n::text), ''), 'hex') "
    "FROM generate_series(1, 150000) n",
}


@pytest.fixture(scope="module")
def server():
    with postgres() as server:
        yield server


def make_clones(server, schema):
    def build(url):
        with psycopg.connect(url.replace("+psycopg2", "")) as connection:
            connection.execute(schema)

    return Clones(server, "snapshot", build)


@pytest.fixture(scope="module")
def clones(server):
    clones = make_clones(server, SCHEMA)
    yield clones
    clones.end()


@pytest.fixture
def clone(clones):
    clone = clones.make()
    yield clone
    clones.drop(clone)


@pytest.fixture(scope="module")
def dump(server):
    """What pg_dump says about a database."""

    def dump(clone):
        program = binaries.find().program("pg_dump")
        command = [program, "--create", "--dbname", server.url(clone.name, None)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        # A dump has a random key of its own; rows come in the order of the files.
        text = done.stdout.replace(clone.name, "NAME")
        return sorted(line for line in text.splitlines() if "restrict" not in line)

    return dump


@pytest.fixture(scope="module")
def clean(clones, dump):
    """The dump of a database in which nobody has worked."""
    clone = clones.make()
    yield dump(clone)
    clones.drop(clone)


def work(server, clone, statements):
    with psycopg.connect(server.url(clone.name, None), autocommit=True) as connection:
        for statement in statements.split(";; "):
            connection.execute(statement.replace("{database}", clone.name))


@pytest.mark.parametrize("statements", UNDONE.values(), ids=UNDONE.keys())
def test_a_test_that_only_writes_rows_leaves_no_trace(server, clones, clone, clean, dump, statements):
    for _ in range(2):
        work(server, clone, statements)
        assert clones.renew(clone) is clone
        assert dump(clone) == clean


@pytest.mark.parametrize("statements", REPLACED.values(), ids=REPLACED.keys())
def test_after_a_test_that_changes_more_than_rows_the_next_one_gets_a_new_database(
    server, clones, clean, dump, statements
):
    used = clones.make()
    work(server, used, statements)
    renewed = clones.renew(used)
    assert renewed.name != used.name
    assert dump(renewed) == clean
    clones.drop(renewed)


def test_sessions_are_ended_with_their_transactions_and_locks(server, clones, clone, clean, dump):
    connection = psycopg.connect(server.url(clone.name, None))
    connection.execute("INSERT INTO users (email) VALUES ('open')")
    connection.execute("LOCK TABLE orders; SELECT pg_advisory_lock(7)")
    assert clones.renew(clone) is clone
    with psycopg.connect(server.url(clone.name, None), autocommit=True) as other:
        assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (True,)
        other.execute("SET lock_timeout = '1s'; UPDATE orders SET size = 'large'")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    assert clones.renew(clone) is clone
    assert dump(clone) == clean


def test_counts_that_are_set_to_zero_hide_nothing(server, clones, clean, dump):
    used = clones.make()
    work(server, used, "INSERT INTO users (email) VALUES ('new')")
    work(server, used, "SELECT pg_stat_reset()")
    renewed = clones.renew(used)
    assert dump(renewed) == clean
    clones.drop(renewed)


def test_a_database_is_put_right_many_times_before_a_new_one_is_due(server, clones):
    used = clone = clones.make()
    for number in range(60):
        work(server, clone, f"INSERT INTO users (email) VALUES ('n{number}');; UPDATE orders SET discount = 7")
        clone = clones.renew(used)
        if clone is not used:
            break
    clones.drop(clone)
    assert number > 40, "it grew too soon"


def test_a_template_with_many_rows_is_cloned_anew(server):
    clones = make_clones(server, "CREATE TABLE t AS SELECT repeat('x', 100) x FROM generate_series(1, 40000)")
    used = clones.make()
    renewed = clones.renew(used)
    assert renewed.name != used.name
    clones.end()


def test_a_transaction_prepared_for_two_phase_commit_is_seen_by_nobody_else():
    with Embedded(options={"max_prepared_transactions": "5"}).start() as server:
        clones = make_clones(server, "CREATE TABLE t (id int)")
        used = clones.make()
        work(server, used, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'half'")
        assert clones.renew(used).name != used.name
        clones.end()


def test_a_session_that_is_told_to_end_is_noticed_without_asking(server, clones, clone):
    assert is_open(clone.connection)
    with psycopg.connect(server.url(driver=None), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [clone.connection.info.backend_pid])
    end = time.monotonic() + 5
    while is_open(clone.connection) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_open(clone.connection)
