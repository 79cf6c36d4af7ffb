from __future__ import annotations

import re

import pytest

from course.manifest import ManifestError
from course.syllabus import (
    UnknownExerciseError,
    UnknownLessonError,
    load,
    syllabus,
)

LESSON = """
[[lesson]]
slug = "06_test_an_api"
title = "Test an API"
minutes = 40
summary = "Status codes and shapes."
subject = "users_api"
services = ["postgresql"]
do = "Test it."
learn = ["to test it"]
need = "Nothing."

[[lesson.exercise]]
id = "6.1"
title = "A user is created"
bugs = ["api/answers_200"]
correct = ["with_other_ids"]
hints = ["Look at the status."]

[[lesson.exercise]]
id = "6.2"
title = "A missing user is not found"
hints = ["Ask for a user that is not there."]

[[lesson.question]]
prompt = "What is 404?"
answers = [
  { text = "Not found", correct = true, feedback = "Right." },
  { text = "Created", feedback = "That is 201." },
]
"""


def write(tmp_path, text=LESSON):
    path = tmp_path / "course.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_course_s_own_syllabus_loads_and_lists_sixteen_lessons():
    assert [lesson.number for lesson in syllabus().everything] == [f"{number:02}" for number in range(16)]


@pytest.mark.parametrize("name", ["06_test_an_api", "06", "6", "06_test_an_api.ipynb"])
def test_a_lesson_is_found_by_slug_number_or_file(tmp_path, name):
    assert load(write(tmp_path)).lesson(name).slug == "06_test_an_api"


@pytest.mark.parametrize("name", ["6.2", "06.2", " 6.2 "])
def test_an_exercise_is_found_by_its_id(tmp_path, name):
    course = load(write(tmp_path))
    assert course.exercise(name).title == "A missing user is not found"
    assert course.lesson_of(name).number == "06"


def test_the_exercises_of_lesson_00_keep_their_zero(tmp_path):
    text = LESSON.replace("06_test_an_api", "00_start_here").replace('"6.', '"0.')
    assert load(write(tmp_path, text)).exercise("0.1").id == "0.1"
    assert load(write(tmp_path, text)).exercise("00.1").id == "0.1"


def test_a_wrong_lesson_or_exercise_is_told_the_nearest_name(tmp_path):
    course = load(write(tmp_path))
    with pytest.raises(UnknownLessonError, match=r'"06_test_the_api".*Did you mean "06_test_an_api"\?'):
        course.lesson("06_test_the_api")
    with pytest.raises(UnknownExerciseError, match=r'"6.22".*Did you mean "6.2"\?'):
        course.exercise("6.22")


def test_an_exercise_takes_its_subject_from_the_lesson(tmp_path):
    assert load(write(tmp_path)).exercise("6.1").subject == "users_api"


def test_a_planned_lesson_is_listed_and_not_on_the_path(tmp_path):
    course = load(write(tmp_path, LESSON.replace('need = "Nothing."', 'need = "Nothing."\nplanned = true')))
    assert len(course.everything) == 1
    assert course.lessons == ()


def test_another_way_is_text_around_one_block_of_python(tmp_path):
    told = 'other_way = """\nOr so:\n\n```python\nassert 1\nassert 2\n```\n"""\nhints = ["Look at'
    exercise = load(write(tmp_path, LESSON.replace('hints = ["Look at', told))).exercise("6.1")
    assert exercise.other_way.startswith("Or so:")
    assert exercise.other_code == "assert 1\nassert 2\n"


def test_a_question_becomes_a_jupyterquiz_question(tmp_path):
    quiz = load(write(tmp_path)).lesson("6").questions[0].as_quiz()
    assert quiz["type"] == "multiple_choice"
    assert quiz["answers"][0] == {"answer": "Not found", "correct": True, "feedback": "Right."}


BROKEN = {
    "no TOML": ('slug = "06_test_an_api"', "slug = 06_test", 3, "Correct that line"),
    "a slug of another form": ('"06_test_an_api"', '"test-an-api"', 3, "06_test_an_api"),
    "a key with a typo": ("minutes = 40", "minuts = 40", 3, 'Rename "minuts" to minutes'),
    "a key nobody knows": ("minutes = 40", "minutes = 40\nhours = 1", 6, "There are"),
    "a number in quotes": ("minutes = 40", 'minutes = "40"', 5, "a number above zero"),
    "minutes below zero": ("minutes = 40", "minutes = -1", 5, "a number above zero"),
    "an empty title": ('title = "Test an API"', 'title = " "', 4, "Write it"),
    "a service nobody offers": ('["postgresql"]', '["postgres"]', 3, 'Did you mean "postgresql"'),
    "an empty hint": ('["Look at the status."]', '[""]', 14, "says something"),
    "no hint": ('["Look at the status."]', "[]", 14, "Write one at least"),
    "a bug without its group": ('["api/answers_200"]', '["answers_200"]', 14, "group/name"),
    "a bug twice": ('["api/answers_200"]', '["api/a", "api/a"]', 14, "Remove one"),
    "an exercise of another lesson": ('id = "6.2"', 'id = "7.2"', 3, 'Write id = "6.2"'),
    "an id twice": ('id = "6.2"', 'id = "6.1"', 3, 'Write id = "6.2"'),
    "variants without a subject": ('subject = "users_api"\n', "", 13, "Add subject"),
    "no right answer": ("correct = true, ", "", 26, "Add correct = true"),
    "one answer only": ('  { text = "Created", feedback = "That is 201." },\n', "", 26, "Write 2 at least"),
    "another way without its code": ('hints = ["Look at', 'other_way = "Try."\nhints = ["Look at', 14, "one block"),
    "a need that nobody knows": (
        'hints = ["Look at',
        'needs = "chrome"\nhints = ["Look at',
        14,
        'Write needs = "browser"',
    ),
    "another language": ('hints = ["Look at', 'language = "work"\nhints = ["Look at', 14, 'Did you mean "workflow"?'),
    "hygiene in JavaScript": (
        'hints = ["Look at',
        'language = "javascript"\nhygiene = [{ name = "is_fast" }]\nhints = ["Look at',
        14,
        "Remove it; that a suite passes in another order",
    ),
    "an exercise that is a text": ("[[lesson.question]]", "[lesson.question]", 3, "[[question]]"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_course_toml_is_told_with_file_line_and_fix(tmp_path, case):
    old, new, line, fix = BROKEN[case]
    assert old in LESSON
    path = write(tmp_path, LESSON.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert fix in caught.value.next_step


def test_lessons_out_of_order_are_told(tmp_path):
    path = write(tmp_path, LESSON + LESSON.replace("06_test_an_api", "05_use_a_real_database").replace('"6.', '"5.'))
    with pytest.raises(ManifestError, match=re.escape("comes after 06_test_an_api")):
        load(path)


def test_a_missing_or_binary_file_is_told(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read"):
        load(tmp_path / "course.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="cannot be read"):
        load(path)
