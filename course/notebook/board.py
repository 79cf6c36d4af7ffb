"""The board: what a proof has shown, for the learner who wrote the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from course.engine import Fate, JudgedBug, JudgedTest, Standing, Step, Validity, Verdict
from course.hygiene import TITLES, Proof
from course.notebook.commits import commits
from course.notebook.exercise import Result
from course.notebook.guard import Wait
from course.notebook.offers import is_challenge, stuck
from course.notebook.panel import Panel, Row
from course.notebook.problem import Problem
from course.notebook.words import and_others, count, place, short, shown
from course.syllabus import Exercise

DOUBTS = {
    Validity.FALSE_ALARM: "false alarm: it fails on code that is right. It checks more than the contract promises",
    Validity.FLAKY: "flaky: run twice on the same code, it passes once and fails once",
    Validity.ORDER_DEPENDENT: "order-dependent: in another order it fails. Another test helps it, or gets in its way",
    Validity.NEVER_ENDS: "never ends, or ends the whole process",
}
# What differs between failures that are one: addresses, hashes and other long tokens, moments and durations
SHIFTING = re.compile(
    r"\b0x[0-9a-f]+|\$[\w$=,./+-]{12,}|datetime\.\w+\([^)]*\)|\d{4}-\d\d-\d\d(?:[T ][\d:.+Z-]+)?"
    r"|\d+:\d\d(?::\d\d(?:\.\d+)?)?|\b\d+\.\d{3,}\b|\b(?=[0-9a-f-]*\d)[0-9a-f-]{8,}\b|\b(?=[\w.-]*\d)[\w.-]{20,}",
    re.IGNORECASE,
)
MOST = 4  # problems at a time
OUR_FAULT = "This is the course's fault, not yours: run the cell again, and `course doctor` if it stays."


def board(result: Result, news: Sequence[str] = ()) -> Panel:
    """The panel at the end of an exercise's run; `news` are further sentences for the learner."""
    if result.verdict is None:
        green = (_green(result), *_doubts(result), *_printed(result))
        rows = tuple(_red(result)) if result.first.problems else green
    else:
        rows = tuple(_proved(result, result.verdict))
    rows += other_way(result.exercise) if result.solved else stuck(result.exercise, _alive(result))
    rows += tuple(Row(sentence, "note") for sentence in news)
    return Panel(f"{result.exercise.id}  {result.exercise.title}", right=_right(result), rows=rows)


def _alive(result: Result) -> list[str]:
    return [judged.bug.id for judged in result.verdict.alive] if result.verdict else []


def other_way(exercise: Exercise, *, is_open: bool = False) -> tuple[Row, ...]:
    """The row with another solution of an exercise, where course.toml has one."""
    return (Row("one other way", more=exercise.other_way, is_open=is_open),) if exercise.other_way else ()


def progress_panel(exercise: Exercise, step: Step | None) -> Panel:
    """The panel while an exercise runs."""
    share = step.done / step.total if step else 0.0
    said = f"{step.done} of {step.total} runs" if step else "green here; now on right and on wrong code …"
    return Panel(f"{exercise.id}  {exercise.title}", right=said, share=share)


def waiting_panel(exercise: Exercise, wait: Wait) -> Panel:
    """The panel while the run in the kernel takes longer than a second."""
    what = f"`{short(wait.test)}`" if wait.test else "the cell"
    rows = (Row(wait.sentence, "note", dim="■ ends it."),) if wait.why or wait.place else ()
    return Panel(f"{exercise.id}  {exercise.title}", right=f"{what} runs · {wait.seconds:.0f} s", rows=rows)


def _right(result: Result) -> str:
    if result.solved:
        return f"**solved** · {result.seconds:.1f} s"
    todo = any(problem.is_todo for problem in result.first.problems)
    return "to do" if todo else f"not yet · {result.seconds:.1f} s"


def _green(result: Result) -> Row:
    return Row(count(len(result.first.passed), "test passes", "tests pass"), "ok")


def _doubts(result: Result) -> Iterator[Row]:
    for problem in result.first.doubts[:MOST]:
        yield _problem(problem, 0)


def _printed(result: Result) -> Iterator[Row]:
    for name, words in list(result.first.printed.items())[:MOST]:
        yield Row(f"`{short(name)}` printed", code=words)


# A red cell


def _red(result: Result) -> Iterator[Row]:
    problems = result.first.problems
    alike: dict[tuple[str, int, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((SHIFTING.sub("…", problem.what), problem.line, problem.cell), []).append(problem)
    for first, *others in list(alike.values())[:MOST]:
        yield _problem(first, len(others))
    if len(alike) > MOST:
        yield Row(f"and {count(len(alike) - MOST, 'other problem', 'other problems')}", "bad")
    if result.first.passed:
        yield Row(count(len(result.first.passed), "test passes", "tests pass"), "ok")
    if not all(problem.is_todo for problem in problems):
        yield Row("The cell is red here, so it was not tried on wrong code yet.", dim="Mend it and run it again.")


def _problem(problem: Problem, others: int) -> Row:
    line = f"line {problem.line}" if problem.line else ""
    if problem.cell and line:
        line += f" of the %%{problem.cell} cell"
    tests = (f"`{short(problem.test)}`" if problem.test else "") + (and_others(others) if others else "")
    where = ", ".join(part for part in (tests, line) if part)
    if problem.is_todo:
        return Row(problem.what, "todo", dim=where)
    first, *more = problem.what.splitlines() or [""]
    lines = [f"> {problem.source}"] if problem.source else []
    lines += [f"  {line}" for line in more]
    lines += [f"  {line}" for line in problem.detail.splitlines()]
    lines += ["", "printed:", problem.printed.rstrip()] if problem.printed.strip() else []
    return Row(first, "bad", dim=where, code="\n".join(lines), is_open=True)


# A proof


def _proved(result: Result, verdict: Verdict) -> Iterator[Row]:
    if verdict.standing is not Standing.PROVED:
        yield _unproved(verdict)
        return
    if result.exercise.language == "workflow":
        yield from commits(verdict)
        yield from map(_hygiene, result.hygiene)
        return
    yield from _right_code(verdict)
    yield from _doubts(result)
    yield from _printed(result)
    for judged in verdict.bugs:
        yield _bug(result.exercise, judged)
    for proof in result.hygiene:
        yield _hygiene(proof)


def _unproved(verdict: Verdict) -> Row:
    if verdict.standing is Standing.GRADER_ERROR:
        return Row(f"{verdict.detail} {OUR_FAULT}", "note")
    what = f"Green here, but not in a process of its own: {verdict.detail}"
    return Row(what, "bad", dim=place(verdict.where), code=verdict.output[-1500:])


def _right_code(verdict: Verdict) -> Iterator[Row]:
    runs = "original twice, once backwards"
    if verdict.correct:
        runs += f"; {count(len(verdict.correct), 'correct variant', 'correct variants')}"
    if not verdict.doubtful:
        if verdict.valid:
            yield Row("passes on right code", "ok", dim=f"({runs})")
        else:
            yield Row("Every test was skipped: nothing is proved by that.", "bad")
    for test in verdict.doubtful:
        yield _doubtful(test)


def _doubtful(test: JudgedTest) -> Row:
    dim = " · ".join(part for part in (f"`{short(test.name)}`", place(test.where)) if part)
    lines = [f"on {_variant(test.variant)}:", *(f"  {line}" for line in test.message.splitlines())]
    return Row(f"{DOUBTS[test.validity]}.", "bad", dim=dim, code="\n".join(lines), is_open=True)


def _variant(name: str) -> str:
    if name == "original":
        return "the original program"
    return f"a correct variant that {name.removeprefix('correct/').replace('_', ' ')}"


def _bug(exercise: Exercise, judged: JudgedBug) -> Row:
    bug = judged.bug
    if judged.fate is Fate.CAUGHT:
        names = list(dict.fromkeys(catch.name for catch in judged.catches))
        more = ", and by others" if judged.others else and_others(len(names) - 1) if names[1:] else ""
        return Row(bug.title, "ok", dim=f"caught by `{short(names[0])}`{more}", tag="caught", diff=shown(bug.diff))
    if bug.id in exercise.alive:
        why = "SQLite cannot show it" if bug.needs == "postgresql" else "this way of testing cannot show it"
        return Row(bug.shows, "todo", dim=f"{why}: it stays alive on purpose", tag="alive")
    name = f"a bug at the **{bug.boundary}** boundary"
    if judged.fate is Fate.INCONCLUSIVE:
        return Row(name, "bad", dim=f"not settled: {judged.detail}", tag="open")
    ran = "no test of yours runs the code that it changes"
    why = ran if judged.fate is Fate.NOT_REACHED else "passes all your tests"
    told = "" if is_challenge(exercise) else f"What a customer tells you: “{bug.shows}”"
    return Row(name, "bad", dim=why, tag="alive", more=told)


def _hygiene(proof: Proof) -> Row:
    seen = proof.evidence + (
        f" ({proof.measured:.1f} times, by the median or the slowest tenth of the tests)" if proof.measured else ""
    )
    return Row(
        TITLES[proof.name], "ok" if proof.passed else "bad", dim=seen, tag="shown" if proof.passed else "not shown"
    )
