from __future__ import annotations


def count(kernel):
    said = kernel.run('counts = course.caught("06")')
    assert said.error is None, said.printed
    return kernel.shell.user_ns["counts"]


def test_what_never_ran_has_caught_nothing(kernel):
    counts = count(kernel)
    assert counts
    assert all(done == 0 and of > 0 for done, of in counts.values())


def test_the_last_board_of_an_exercise_counts(kernel):
    exercise = next(each for each in kernel.session.course.lesson("06").exercises if len(each.bugs) > 1)
    progress, alive = kernel.session.progress, exercise.bugs[0]
    progress.ran(exercise.id, {}, solved=False, alive=(alive,))
    assert sum(done for done, _ in count(kernel).values()) == len(exercise.bugs) - 1
    progress.ran(exercise.id, {}, solved=True)
    assert sum(done for done, _ in count(kernel).values()) == len(exercise.bugs)


def test_an_exercise_that_fails_on_right_code_has_caught_nothing(kernel):
    exercise = kernel.session.course.lesson("06").exercises[0]
    kernel.session.progress.ran(exercise.id, {}, solved=False)
    assert all(done == 0 for done, _ in count(kernel).values())
