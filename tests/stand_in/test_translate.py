"""Command lines of a container, as they run on the host."""

from __future__ import annotations

import pytest

from course.stand_in.translate import Place


@pytest.fixture
def place() -> Place:
    return Place(host="/run/s", port=40001, inner_port=5432, bin="/pg/bin", root="/files")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("psql -h localhost -p 5432 -U ann", "-U ann"),
        ("psql -h127.0.0.1 -p5432 shop", "shop"),
        ("psql --host=localhost --port=5432 shop", "shop"),
        ("psql -c -h -U ann", "-c -h -U ann"),
        ("psql -h db.test -p 5433 shop", "shop --host=db.test --port=5433"),
        ("psql -d postgresql://ann:pw@localhost:5432/shop", "-d postgresql://ann:pw@/shop"),
        ("psql --dbname=postgres://ann@127.0.0.1/shop", "--dbname=postgres://ann@/shop"),
        ("psql postgresql://ann@db.test:5432/shop", "postgresql://ann@db.test:5432/shop"),
        ("psql -f /seeds/a.sql --output=/tmp/out", "-f /files/seeds/a.sql --output=/files/tmp/out"),
    ],
)
def test_hosts_and_paths_are_those_of_the_container(place, words, expected):
    environment: dict[str, str] = {}
    program, *rest = place.translate(words.split(), environment)
    assert program == "/pg/bin/psql"
    assert rest == expected.split()


def test_the_variables_lead_to_the_server_even_where_a_script_has_set_them(place):
    environment = {"PGHOST": "localhost", "PGPORT": "5432"}
    place.translate(["psql"], environment)
    assert environment == {"PGHOST": "/run/s", "PGPORT": "40001"}


def test_text_that_looks_like_a_path_stays_text(place):
    assert place.translate(["echo", "/etc"], {}) == ["echo", "/etc"]
    assert place.translate(["psql", "-c", "/* note */ SELECT 1"], {})[2] == "/* note */ SELECT 1"
    assert place.translate(["cat", "/dev/null"], {}) == ["cat", "/dev/null"]


def test_output_shows_the_containers_paths(place):
    said = b'socket "/run/s/.s.PGSQL.40001" /run/s:40001 /files/tmp/x /files'
    assert place.hide(said) == b'socket "/var/run/postgresql/.s.PGSQL.5432" /var/run/postgresql:5432 /tmp/x /'
