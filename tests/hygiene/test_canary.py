"""The production database that is none records who wants to log in, and lets nobody in."""

from __future__ import annotations

import contextlib
import socket

import psycopg
import psycopg2
import pytest

from course.hygiene.canary import Attempt, Canary


@pytest.mark.parametrize("connect", [psycopg.connect, psycopg2.connect])
@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_a_login_is_recorded_and_refused(connect, mode):
    with Canary() as canary:
        url = canary.url.replace("+psycopg2", "") + f"?sslmode={mode}"
        with pytest.raises((psycopg.OperationalError, psycopg2.OperationalError), match="no business here"):
            connect(url)
        assert set(canary.attempts) == {Attempt("shop_production", "shop_production")}


def test_what_is_no_login_is_passed_over():
    with Canary() as canary:
        with socket.create_connection(("127.0.0.1", canary.port)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(10) == b""
        assert canary.attempts == []
