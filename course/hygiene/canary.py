"""A fake production database: it speaks just enough of PostgreSQL's protocol to notice who tries to log in.

The protocol's first messages: https://www.postgresql.org/docs/16/protocol-message-formats.html (StartupMessage,
SSLRequest, GSSENCRequest, ErrorResponse).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

USER, PASSWORD, DATABASE = "shop_production", "prod-3f9c", "shop_production"
# Names under which people keep the address of a production database
VARIABLES = (
    "PROD_DATABASE_URL", "PRODUCTION_DATABASE_URL", "DATABASE_URL_PROD", "DATABASE_URL_PRODUCTION", "PROD_DB_URL",
    "POSTGRES_URL", "POSTGRES_PRISMA_URL", "PG_URL", "DB_URL", "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URL",
)  # fmt: skip
DEFAULT_PORT = 5432
ENCRYPT = {80877103, 80877104}  # SSLRequest, GSSENCRequest
SHORTEST_STARTUP, LONGEST_STARTUP = 8, 10_000
VERSION = 3
ANSWER_SECONDS = 2.0


@dataclass(frozen=True, order=True)
class Attempt:
    """An attempt to log in.

    Attributes:
        user: As whom.
        database: Where.
    """

    user: str
    database: str


class Canary:
    """Listens until it is closed, and lets nobody in.

    Args:
        port: The port; any free one when not given.
        on_connect: Called with the address of each client, before it is answered.

    Attributes:
        attempts: In the order in which they came.

    Raises:
        OSError: The port is taken.

    Example:
        >>> with Canary() as canary:
        ...     canary.url.startswith("postgresql+psycopg2://shop_production:")
        True
    """

    def __init__(self, port: int = 0, on_connect: Callable[[tuple[str, int], Attempt], None] | None = None) -> None:
        self.attempts: list[Attempt] = []
        self._on_connect = on_connect
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", port))
            self._socket.listen(64)
        except OSError:
            self._socket.close()
            raise
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, name="course-canary", daemon=True).start()

    @property
    def url(self) -> str:
        """The address that the canary leaves where a careless suite finds it."""
        return f"postgresql+psycopg2://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}"

    def environment(self) -> dict[str, str]:
        """Variables as they stand on a machine that also reaches production."""
        return dict.fromkeys(VARIABLES, self.url)

    def dotenv(self) -> str:
        """The same as a `.env` file."""
        names = ("DATABASE_URL", *VARIABLES)
        return "# production\n" + "".join(f"{name}={self.url}\n" for name in names)

    def close(self) -> None:
        """Listen no longer; safe to call again."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            try:
                client, address = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(client, address), daemon=True).start()

    def _meet(self, client: socket.socket, address: tuple[str, int]) -> None:
        with client, contextlib.suppress(OSError, struct.error, ValueError):
            client.settimeout(ANSWER_SECONDS)
            attempt = _startup(client)
            if attempt is not None:
                if self._on_connect:
                    self._on_connect(address, attempt)
                self.attempts.append(attempt)
                client.sendall(_refusal())


def _startup(client: socket.socket) -> Attempt | None:
    for _ in range(4):
        length, code = struct.unpack("!ii", _exactly(client, 8))
        if code in ENCRYPT:
            client.sendall(b"N")
            continue
        if code >> 16 != VERSION or not SHORTEST_STARTUP <= length <= LONGEST_STARTUP:
            return None
        words = [word.decode(errors="replace") for word in _exactly(client, length - 8).split(b"\0")]
        fields = dict(zip(words[::2], words[1::2], strict=False))
        user = fields.get("user", "")[:63]
        return Attempt(user, fields.get("database", user)[:63])
    return None


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            raise ValueError("the client hung up")
        data += more
    return data


def _refusal() -> bytes:
    words = {
        "S": "FATAL",
        "V": "FATAL",
        "C": "28000",
        "M": "this is the production database: tests have no business here",
    }
    body = b"".join(kind.encode() + text.encode() + b"\0" for kind, text in words.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
