from __future__ import annotations

import ast
import threading

import pytest

from course.engine.probes import NAME, Probing


class Program:
    """A program with probes on all its lines; `reached` holds the lines that ran."""

    def __init__(self, source, lines=range(1, 100)):
        self.reached = set()
        tree = Probing(0, lines).visit(ast.parse(source))
        self.names = {NAME: lambda _, *numbers: self.reached.update(numbers)}
        exec(compile(tree, "program", "exec", dont_inherit=True), self.names)  # noqa: S102 - the test's own source

    def __getattr__(self, name):
        def call(*arguments):
            self.reached.clear()
            result = self.names[name](*arguments)
            return result, sorted(self.reached)

        return call


BRANCHES = """\
def pick(n):
    if n == 1:
        return "one"
    elif n == 2:
        return "two"
    else:
        return "many"
"""


@pytest.mark.parametrize(("n", "lines"), [(1, [2, 3]), (2, [2, 4, 5]), (3, [2, 4, 7])])
def test_each_branch_tells_of_itself(n, lines):
    assert Program(BRANCHES).pick(n)[1] == lines


def test_a_definition_is_reached_when_it_is_made_and_its_body_when_it_runs():
    assert Program("def f(x=1):\n    return x\n").reached == {1}


def test_a_statement_on_several_lines_is_reached_as_a_whole():
    program = Program("def f(a):\n    return round(\n        a,\n        2,\n    )\n", lines=[3])
    assert program.f(1.234) == (1.23, [3])


def test_loops_handlers_and_cases_belong_to_their_statement():
    source = (
        "def f(x):\n    try:\n        1 / x\n    except ZeroDivisionError:\n        return 0\n"
        "    match x:\n        case 1:\n            return 1\n        case _:\n            return 2\n"
    )
    assert Program(source).f(0)[1] == [2, 3, 4, 5]
    assert Program(source).f(1)[1] == [2, 3, 4, 6, 7, 8, 9]


def test_what_a_lambda_or_a_generator_does_later_is_told_then():
    source = "def make():\n    return lambda x: x + 1\ndef many(n):\n    return (\n        x + 1 for x in range(n))\n"
    program = Program(source)
    later = program.make()[0]
    program.reached.clear()
    assert later(1) == 2
    assert program.reached == {2}
    generator, _ = program.many(2)
    program.reached.clear()
    assert list(generator) == [1, 2]
    assert program.reached == {4, 5}


def test_docstrings_and_future_imports_stay_where_they_are():
    source = (
        '"""A module."""\nfrom __future__ import annotations\ndef f() -> Nobody:\n    """Say it."""\n    return 1\n'
    )
    program = Program(source)
    assert program.names["__doc__"] == "A module."
    assert program.names["f"].__doc__ == "Say it."
    assert program.names["f"].__annotations__ == {"return": "Nobody"}
    assert program.f() == (1, [5])


def test_classes_are_as_they_were():
    source = (
        "import enum, dataclasses\nclass Colour(enum.Enum):\n    RED = 1\n    BLUE = 2\n"
        "@dataclasses.dataclass\nclass Point:\n    x: int\n    y: int = 2\n"
        "    def __secret(self):\n        return self.x\n    def tell(self):\n        return self.__secret()\n"
    )
    program = Program(source)
    assert [each.name for each in program.names["Colour"]] == ["RED", "BLUE"]
    assert program.names["Point"](1) == program.names["Point"](1, 2)
    assert program.names["Point"](7).tell() == 7


def test_lines_of_a_traceback_are_those_of_the_file():
    program = Program("def f(x):\n    y = 1\n    return y / x\n")
    with pytest.raises(ZeroDivisionError) as raised:
        program.f(0)
    assert raised.traceback[-1].lineno + 1 == 3


def test_only_lines_of_interest_have_probes():
    assert Program(BRANCHES, lines=[5]).pick(2)[1] == [5]
    assert Program(BRANCHES, lines=[5]).pick(1)[1] == []


def test_another_thread_is_watched_as_well():
    program = Program("def f():\n    return 1\n")
    thread = threading.Thread(target=program.names["f"])
    thread.start()
    thread.join()
    assert 2 in program.reached


@pytest.mark.parametrize("kind", ["async", "with", "while", "star", "global"])
def test_every_kind_of_statement_still_runs(kind):
    source = {
        "async": "import asyncio\nasync def g():\n    async for x in h():\n        return x\n"
        "async def h():\n    yield 1\ndef f():\n    return asyncio.run(g())\n",
        "with": "from contextlib import nullcontext\ndef f():\n    with nullcontext(1) as x:\n        return x\n",
        "while": "def f():\n    n = 0\n    while n < 1:\n        n += 1\n    else:\n        return n\n",
        "star": "def f():\n    try:\n        raise ExceptionGroup('', [ValueError()])\n"
        "    except* ValueError:\n        pass\n    return 1\n",
        "global": "N = 0\ndef f():\n    global N\n    N += 1\n    del N\n    return 1\n",
    }[kind]
    assert Program(source).f()[0] == 1
