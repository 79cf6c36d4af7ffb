"""The users page: the list for people, in plain HTML."""

import re
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from users_api import users
from users_api.access import Database
from users_api.routes import Search

pages = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

USERS = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Users</title>
<h1>Users</h1>
<form action="/">
<label>Search <input type="search" name="search" value="{search}"></label>
<button>Find</button>
</form>
<p>{told}</p>
<ul>
{found}
</ul>
"""


@pages.get("/")
def show_users(session: Database, search: Search = "") -> str:
    page, total = users.list_users(session, search=search)
    told = f"{total} found for {mark(search, search)}" if search else f"{total} in all"
    found = [f"<li>{mark(user.name, search)}, {mark(user.email, search)}</li>" for user in page]
    return USERS.format(search=escape(search), told=told, found="\n".join(found))


def mark(text: str, search: str) -> str:
    """Return a text as HTML, with what was searched for inside of `<mark>`, wherever it is and in whatever case.

    Example:
        >>> mark("Ada <ada@example.org>", "ada")
        '<mark>Ada</mark> &lt;<mark>ada</mark>@example.org&gt;'
    """
    parts = re.split(f"({re.escape(search)})", text, flags=re.IGNORECASE) if search else [text]
    return "".join(f"<mark>{escape(part)}</mark>" if place % 2 else escape(part) for place, part in enumerate(parts))
