"""`%%jest`: the same board for tests in JavaScript, and jest's own report without a number."""

from __future__ import annotations

import json

import pytest

from course.notebook.exercise import NotSolvedError
from course.notebook.jest import run_plain
from course.services.machine import node
from course.syllabus import load

pytestmark = [pytest.mark.node, pytest.mark.slow]

COURSE = """
[[lesson]]
slug = "11_test_an_api_in_javascript"
title = "Test an API in JavaScript"
minutes = 40
summary = "Express, Sequelize, jest and supertest."
subject = "users_js"
services = ["postgresql", "node"]
do = "Test it."
learn = ["to test it"]
need = "Nothing."

[[lesson.exercise]]
id = "11.1"
title = "Create a user"
language = "javascript"
bugs = ["api/answers_200_to_a_creation"]
hints = ["Look at the status."]

[[lesson]]
slug = "12_run"
title = "Run"
minutes = 5
summary = "Another."
subject = "users_js"
do = "Run it."
learn = ["to run it"]
need = "Nothing."

[[lesson.exercise]]
id = "12.1"
title = "Another"
hints = ["Look."]
"""
HEAD = """%%jest 11.1
const request = require("supertest");
const { createApp } = require("users_js");
const { app, sequelize } = createApp(process.env.DATABASE_URL);
beforeAll(() => sequelize.sync({ force: true }));
afterAll(() => sequelize.close());
"""
ADA = '{ name: "Ada", email: "ada@example.org" }'
CREATES = f"""test("creates a user", async () => {{
  const answer = await request(app).post("/users").send({ADA});
  console.log("answered", answer.status);
  expect(answer.status).toBe(201);
}});"""
PLAIN = HEAD.replace(" 11.1", "")


@pytest.fixture(scope="module")
def course_of_one(tmp_path_factory, packages):
    path = tmp_path_factory.mktemp("course") / "course.toml"
    path.write_text(COURSE)
    return load(path)


@pytest.fixture
def lesson(kernel, monkeypatch, course_of_one):
    """Lesson 11 has begun."""
    monkeypatch.setattr(kernel.session, "course", course_of_one)
    kernel.begun = kernel.run('course.begin("11")')
    return kernel


def test_a_solved_cell_is_remembered_with_its_number(lesson):
    assert '`require("users_js")`' in lesson.begun.text
    said = lesson.run(HEAD + CREATES)
    assert "solved" in said.text
    assert "✔ answers 200 to a creation (caught by `creates a user`) [caught]" in said.text
    assert "answered 201" in said.pages[-1]
    assert lesson.session.progress.solved() == {"11.1"}
    (text,) = lesson.session.progress.cells("11.1").values()
    assert text.startswith("// Exercise 11.1: Create a user\nconst request")


def test_a_bug_that_is_alive_keeps_a_cell_from_being_solved(lesson, monkeypatch):
    monkeypatch.setenv("COURSE_STRICT", "1")
    said = lesson.run(HEAD + CREATES.replace("toBe(201)", "toBeLessThan(300)"))
    assert "a bug at the api boundary" in said.text.replace("*", "")
    assert isinstance(said.error, NotSolvedError)


@pytest.mark.parametrize(
    ("right", "wrong", "sentences"),
    [
        ("toBe(201)", "toBe(200)", ["expect(received).toBe(expected)", "(`creates a user`, line 10)", "Received: 201"]),
        ("expect(answer", "const it = answer; // (answer", ["asserts nothing", "line 7"]),
        ("  const answer", '  throw new Error("TODO 11.1: ask"); const answer', ["to do", "○ TODO 11.1: ask"]),
        ("});", "}};", ["This is not JavaScript", "line 8"]),
        ("afterAll", "// afterAll", ["A connection to PostgreSQL is open", "`sequelize.close()`"]),
        ("test(", "test.skip(", ["Every test was skipped"]),
        ("test(", "void (", ["There are no tests."]),
        ("sync({", "synk({", ["TypeError: sequelize.synk is not a function", "line 5"]),
    ],
)
def test_what_is_wrong_with_a_cell_is_told_with_its_line(lesson, right, wrong, sentences):
    said = lesson.run((HEAD + CREATES).replace(right, wrong))
    assert said.error is None
    assert "solved" not in said.text
    for sentence in sentences:
        assert sentence in said.text


def test_without_a_number_jest_itself_tells_of_the_lesson_s_own_database(lesson):
    keeps = PLAIN.replace("{ force: true }", "") + CREATES
    assert "✓ creates a user" in lesson.run(keeps).printed
    again = lesson.run(keeps).printed
    assert "✕ creates a user" in again
    assert "Expected: 201" in again
    assert "node_modules" not in again


@pytest.mark.parametrize("colour", [True, False])
def test_jest_s_own_report_of_a_syntax_error_is_short_and_names_the_line_of_the_cell(lesson, colour):
    said = run_plain(lesson.session, "", "test('x', () => {\n  expect(1;\n});", colour=colour)
    assert "cell.test.js:3\n" in said
    assert "SyntaxError: missing ) after argument list" in said
    assert "TypeScript" not in said
    assert "course-jest-" not in said


def test_jest_s_own_report_counts_lines_as_the_cell_does(lesson):
    said = lesson.run("%%jest", 'test("no", () => {', "  expect(1).toBe(2);", "});").printed
    assert "cell.test.js:3:" in said


def test_a_test_that_ends_the_process_is_not_said_to_never_end(lesson):
    said = lesson.run(HEAD + CREATES.replace("  const answer", "  process.exit(0); const answer")).text
    assert "✗ The process ended by itself with status 0. (`creates a user`)" in said


@pytest.mark.parametrize("colour", [True, False])
def test_jest_s_own_report_is_without_the_frames_of_packages(lesson, colour):
    fails = PLAIN.removeprefix("%%jest\n") + 'test("no", () => request(app).get("/users").expect(201));'
    said = run_plain(lesson.session, "", fails, colour=colour)
    assert 'expected 201 "Created", got 200 "OK"' in said
    assert ("\x1b[" in said) is colour
    assert "node_modules" not in said
    assert "----" not in said


def test_without_a_number_a_cell_runs_on_a_bug(lesson):
    bug = PLAIN.replace("%%jest", "%%jest api/answers_200_to_a_creation")
    assert "Received: 200" in lesson.run(bug + CREATES).printed
    assert 'has no bug "api/answers_200"' in lesson.run("%%jest api/answers_200", "x").printed


def test_jest_that_would_never_exit_is_ended(lesson):
    said = lesson.run(PLAIN.replace("afterAll", "// afterAll") + CREATES).printed
    assert "Jest did not exit one second after the test run has completed" in said
    assert said.rstrip().endswith("jest was ended.")


def test_a_magic_of_another_language_is_told_the_right_one(lesson):
    assert "Begin the cell with `%%jest 11.1`" in lesson.run("%%exercise 11.1", "x").printed
    assert "Run the first cell" in lesson.run("%%jest 12.1", "x").printed


def test_without_node_the_lesson_does_not_begin_and_says_why(kernel, monkeypatch, course_of_one, tmp_path):
    monkeypatch.setattr(kernel.session, "course", course_of_one)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(node, "WHEEL", "no_such_wheel")
    assert "Node is not here, and no wheel of it for this platform" in kernel.run('course.begin("11")').printed


def test_an_export_is_a_project_for_npm(lesson, tmp_path):
    lesson.run(HEAD + CREATES)
    said = lesson.run('course.export("11")')
    assert "`npm test`" in said.text
    folder = tmp_path / "exports" / "11_test_an_api_in_javascript"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "package.json", "package-lock.json", "tests/exercise_11_1.test.js"} <= files
    assert not any("bugs" in name or name.endswith(".py") for name in files)
    assert json.loads((folder / "package.json").read_text())["jest"]["modulePaths"] == ["<rootDir>"]
