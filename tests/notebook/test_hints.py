from __future__ import annotations


def test_hints_come_one_at_a_time_and_are_remembered(kernel):
    first = kernel.run('course.hint("6.1")').text
    assert "Ask for a user that is not there." in first
    assert "Read the body" not in first
    assert "1 more" in first
    second = kernel.run('course.hint("6.1")').text
    assert "Ask for a user that is not there." in second
    assert "Read the body, too." in second
    assert "the last one" in second


def test_after_the_last_hint_all_are_shown_with_the_way_out(kernel):
    for _ in range(2):
        kernel.run('course.hint("6.1")')
    said = kernel.run('course.hint("6.1")')
    assert "These are all the hints. The worked example:" in said.text
    assert "%%exercise 6.1" in said.text
    assert "Ask for a user" in said.text


def test_a_bug_that_is_alive_brings_its_own_hint(kernel):
    kernel.session.progress.ran("6.1", {}, solved=False, alive=("api/says_only_not_found",))
    for _ in range(3):
        said = kernel.run('course.hint("6.1")')
    assert "body of the 404" in said.text


def test_hints_work_after_passing(kernel):
    kernel.session.progress.ran("6.1", {}, solved=True)
    said = kernel.run('course.hint("6.1")').text
    assert "Ask for a user" in said
    assert "assert (answer.status_code, answer.json())" in said


def test_another_way_is_not_shown_before_the_first_is_found(kernel):
    assert "other way" not in kernel.run('course.hint("6.1")').text


def test_a_bug_that_the_course_has_no_longer_brings_none(kernel):
    kernel.session.progress.ran("6.1", {}, solved=False, alive=("api/was_here_once",))
    for _ in range(3):
        said = kernel.run('course.hint("6.1")')
    assert "These are all the hints" in said.text


def test_a_wrong_id_is_told_with_the_nearest(kernel):
    assert 'Did you mean "6.1"?' in kernel.run('course.hint("6.11")').printed


def test_a_number_is_an_id_as_well(kernel):
    assert kernel.run("course.hint(6.1)").error is None


def test_without_an_id_it_is_the_first_exercise_that_waits(kernel):
    kernel.session.begin(kernel.session.course.lesson("06"))
    kernel.session.progress.ran("6.1", {}, solved=True)
    assert kernel.run("course.hint()").text.startswith("6.2")


def test_without_an_id_it_is_the_exercise_that_ran_last(kernel):
    kernel.session.begin(kernel.session.course.lesson("06"))
    kernel.session.latest = kernel.session.course.exercise("6.2")
    assert kernel.run("course.hint()").text.startswith("6.2")


def test_an_id_that_a_lesson_does_not_have_is_told_with_those_that_it_has(kernel):
    assert "This lesson has 6.1 to 6.2." in kernel.run('course.hint("6.9")').printed
