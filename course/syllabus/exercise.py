"""An exercise of `course.toml`: what a learner completes, in which language, and what it is proved on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from course.errors import nearest
from course.manifest import Table

# The rules of `course.hygiene`, and what their proofs may be told
HYGIENE = (
    "cleans_its_database", "leaves_nothing_behind", "leaves_no_connection", "leaves_production_alone",
    "takes_any_address", "depends_on_no_seed", "tests_error_answers", "is_fast", "passes_in_any_order",
    "passes_under_two_workers", "starts_its_own_container", "fails_fast",
)  # fmt: skip
SETTINGS = ("orders", "workers", "ratio_at_most")
BUG = r"[a-z0-9_]+/[a-z0-9_]+"
CODE_BLOCK = re.compile(r"^```[a-z]+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Language:
    """What an exercise is written in.

    Attributes:
        magic: The cell magic above it.
        comment: What a comment in it begins with.
        file: The name of its file, with the exercise's number in place of `{}`.
        todo: What stands in place of a solution, with the words, quoted, in place of `{}`; empty where a comment does.
    """

    magic: str
    comment: str
    file: str
    todo: str = ""


LANGUAGES = {
    "python": Language("exercise", "#", "test_{}.py", "raise NotImplementedError({})"),
    "workflow": Language("workflow", "#", "workflow_{}.yml"),
    "javascript": Language("jest", "//", "exercise_{}.test.js", "throw new Error({});"),
}


@dataclass(frozen=True)
class Hygiene:
    """A rule that a suite is held to by running it; see `course.hygiene`.

    Attributes:
        name: Such as `"passes_in_any_order"`; one of `HYGIENE`.
        settings: What the proof is told, such as `{"orders": 50}`.
    """

    name: str
    settings: Mapping[str, float | str]


@dataclass(frozen=True)
class Exercise:
    """What a learner completes: one test cell, with a shared `conftest` cell before it where one is named.

    Attributes:
        id: `"6.2"`: lesson number without leading zero, then 1, 2, 3 …
        title: A few words, as the board shows them.
        subject: The program under test, or None where the exercise only has to pass.
        bugs: Names `group/misbehaviour` that have to be caught.
        alive: Bugs that this way of testing cannot show: they are on the board, and stay alive on purpose.
        correct: Names of correct variants that have to be passed.
        hints: From gentle to plain, one at least.
        conftest: Name of the conftest cell that the exercise runs with, or None.
        seconds: Deadline of one run, or None for the subject's own.
        hygiene: What the suite is held to beside its bugs.
        other_way: Another solution that teaches something new, shown once this one is solved: text in Markdown with one
            block of code, which may stand in place of the solution region. None for none.
        language: A key of `LANGUAGES`.
        needs: `"browser"` where it cannot run without one, else None.
    """

    id: str
    title: str
    subject: str | None
    bugs: tuple[str, ...]
    alive: tuple[str, ...]
    correct: tuple[str, ...]
    hints: tuple[str, ...]
    conftest: str | None
    seconds: float | None
    hygiene: tuple[Hygiene, ...] = ()
    other_way: str | None = None
    language: str = "python"
    needs: str | None = None

    @property
    def file(self) -> str:
        """The name of its cell as a file: `test_6_2.py`."""
        return LANGUAGES[self.language].file.format(self.id.replace(".", "_"))

    @property
    def magic(self) -> str:
        """The line above its cell: `%%exercise 6.2`."""
        return f"%%{LANGUAGES[self.language].magic} {self.id}"

    @property
    def other_code(self) -> str:
        """The block of code in `other_way`."""
        block = CODE_BLOCK.search(self.other_way or "")
        return block[1] if block else ""


def read_exercise(table: Table, subject: str | None) -> Exercise:
    exercise = Exercise(
        id=table.name_by("id", pattern=r"\d+\.\d+", example="6.2"),
        title=table.text("title"),
        subject=table.text("subject", default=subject),
        bugs=table.texts("bugs", pattern=BUG),
        alive=table.texts("alive", pattern=BUG),
        correct=table.texts("correct", pattern=r"[a-z0-9_]+"),
        hints=table.texts("hints", at_least=1),
        conftest=table.text("conftest", default=None),
        seconds=table.number("seconds", kind=float, default=None),
        hygiene=tuple(read_hygiene(each) for each in table.tables("hygiene")),
        other_way=table.text("other_way", default=None),
        language=table.text("language", default="python") or "python",
        needs=table.text("needs", default=None),
    )
    table.done()
    if exercise.language not in LANGUAGES:
        raise table.error(f'there is no language "{exercise.language}".', nearest(exercise.language, LANGUAGES))
    if exercise.needs not in (None, "browser"):
        raise table.error(f'needs = "{exercise.needs}" is not known.', 'Write needs = "browser", or leave it out.')
    if exercise.other_way and len(CODE_BLOCK.findall(exercise.other_way)) != 1:
        fix = f"Put the lines that may stand in place of the solution into one block: ```{exercise.language} … ```."
        raise table.error("other_way does not hold one block of code.", fix)
    if exercise.hygiene and exercise.language == "javascript":
        fix = "Remove it; that a suite passes in another order is proved without it."
        raise table.error("rules of hygiene are for suites in Python.", fix)
    proved = exercise.bugs or exercise.alive or exercise.correct or exercise.hygiene
    if proved and exercise.subject is None:
        raise table.error("it names variants, and no subject.", 'Add subject = "users_api" to the lesson.')
    return exercise


def read_hygiene(table: Table) -> Hygiene:
    name = table.name_by("name")
    if name not in HYGIENE:
        raise table.error("there is no such rule.", nearest(name, HYGIENE))
    settings = {key: table.number(key, kind=float, default=None) for key in SETTINGS} | {
        "image": table.text("image", None)
    }
    table.done()
    return Hygiene(name, {key: value for key, value in settings.items() if value is not None})
