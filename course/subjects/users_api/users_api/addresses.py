"""Whether mail arrives at an email address: a neighbour knows, and is asked over HTTP."""

import httpx
from fastapi.exceptions import RequestValidationError

from users_api.settings import settings


def require_deliverable(email: str) -> None:
    """Refuse an address at which no mail arrives, as any other field that is wrong.

    Raises:
        RequestValidationError: The neighbour says no.
    """
    if not is_deliverable(email):
        problem = {"loc": ("body", "email"), "msg": "No mail arrives at this address", "type": "undeliverable"}
        raise RequestValidationError([problem])


def is_deliverable(email: str) -> bool:
    """Ask the neighbour about an address. Only a clear no is a no: nobody is kept out because a neighbour is ill."""
    url, seconds = settings().address_check_url, settings().address_check_seconds
    if not url:
        return True
    try:
        response = httpx.get(url, params={"email": email}, timeout=seconds)
        answer = response.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return True
    return not (isinstance(answer, dict) and answer.get("deliverable") is False)
