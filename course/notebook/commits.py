"""What became of each commit: a workflow lets good ones in, and keeps bad ones out."""

from __future__ import annotations

from collections.abc import Iterator

from course.engine import Fate, JudgedBug, Validity, Verdict
from course.notebook.panel import Row
from course.notebook.words import count, shown


def commits(verdict: Verdict) -> Iterator[Row]:
    """A row for each good commit that stays out, and one for each bad one."""
    for test in verdict.doubtful:
        which = "" if test.variant == "original" else f" that {test.variant.removeprefix('correct/').replace('_', ' ')}"
        said = "never ends" if test.validity is Validity.NEVER_ENDS else "is red: nobody could merge it"
        yield Row(f"a good commit{which} {said}", "bad", dim=f"`{test.name}`", code=test.message, is_open=True)
    if not verdict.doubtful and verdict.valid:
        more = count(len(verdict.correct), "other good one", "other good ones")
        yield Row("lets good commits in", "ok", dim=f"(this one and {more})" if verdict.correct else "")
    elif not verdict.doubtful:
        yield Row("GitHub starts nothing on a pull request: no check is shown, and nothing is proved.", "bad")
    for judged in verdict.bugs:
        yield _commit(judged)


def _commit(judged: JudgedBug) -> Row:
    bug = judged.bug
    if judged.fate is Fate.CAUGHT:
        return Row(bug.title, "ok", dim=f"red at `{judged.catches[0].name}`", tag="kept out", diff=shown(bug.diff))
    seen = {Fate.NOT_REACHED: "no check is shown on it", Fate.INCONCLUSIVE: judged.detail}
    why = seen.get(judged.fate, "green on it")
    tag = "open" if judged.fate is Fate.INCONCLUSIVE else "let in"
    told = f"What a customer tells you: “{bug.shows}”"
    return Row(f"a bad commit at the **{bug.boundary}** boundary", "bad", dim=why, tag=tag, more=told)
