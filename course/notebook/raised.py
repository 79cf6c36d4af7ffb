"""Notes what an application raises when it answers 500, since a test client may swallow it."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any


class Raised:
    """Listens to Starlette, and so to FastAPI, where the learner's code has imported it."""

    def __init__(self) -> None:
        self._middleware: Any = None
        self._answer: Any = None
        self.last: Exception | None = None

    def begin(self) -> None:
        """Forget what was raised, and listen from now on."""
        self.last = None
        errors = sys.modules.get("starlette.middleware.errors")
        if self._middleware is None and errors is not None:
            self._middleware = errors.ServerErrorMiddleware
            self._answer = self._middleware.__call__
            self._middleware.__call__ = _noting(self._answer, self)

    def end(self) -> None:
        """Listen no more."""
        if self._middleware is not None:
            self._middleware.__call__ = self._answer
        self._middleware = self.last = None

    def sentence(self) -> str:
        """What was raised last, and where; empty where nothing was."""
        if self.last is None:
            return ""
        frame = traceback.extract_tb(self.last.__traceback__)[-1]
        place = f"{'/'.join(Path(frame.filename).parts[-2:])}, line {frame.lineno}: {frame.line}"
        words = str(self.last).partition("\n")[0]
        return f"the application raised {type(self.last).__name__}: {words}\n  in {place}"


def _noting(answer: Any, raised: Raised) -> Any:
    async def call(self: Any, *arguments: Any) -> None:
        try:
            await answer(self, *arguments)
        except Exception as error:
            raised.last = error
            raise

    return call
