"""One figure of a benchmark, and what it must reach."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def row(name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> Row:
    """A row of `name`, `value`, `unit`, `limit` (a text such as `≤ 3`; empty where there is none) and `ok`."""
    if at_most is not None:
        return {"name": name, "value": value, "unit": unit, "limit": f"≤ {at_most:g}", "ok": value <= at_most}
    limit = "" if at_least is None else f"≥ {at_least:g}"
    return {"name": name, "value": value, "unit": unit, "limit": limit, "ok": at_least is None or value >= at_least}
