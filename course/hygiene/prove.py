"""Proves a suite on variants and holds it to hygiene rules, in one go on the slots of a prover."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from course.engine import Patch, Prover, Request, Slot, Step, Subject, Suite, Variant, Verdict
from course.engine import Proof as EngineProof
from course.hygiene.default_port import DefaultPort
from course.hygiene.judges import Hygiene
from course.hygiene.prepared import Prepared
from course.hygiene.rule import Proof, Rule
from course.hygiene.runs import Runs
from course.hygiene.scrub import read_source
from course.hygiene.speed import ReferenceFailsError
from course.hygiene.trial_runs import FIRST_SEED, TrialRuns
from course.hygiene.worker import PLUGINS


class HygieneProver:
    """Keeps what proofs of hygiene start from; a context manager.

    Args:
        runs: Executes the runs.
        subject: The program, with the plugins of `course.hygiene.PLUGINS`.
        rules: Which proofs to make.
    """

    def __init__(self, runs: Runs, subject: Subject, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._runs = runs
        self._subject = subject
        self._folder = Path(tempfile.mkdtemp(prefix="hygiene-", dir=runs.prover.folder))
        self._prepared = Prepared(subject, self._folder)
        watched = any(rule.name == "leaves_production_alone" for rule in rules)
        self.default = DefaultPort() if watched else None
        self._reference = self._folder / "reference"
        Suite.from_folder(subject.folder / "reference_suite").write(self._reference)

    def reference_seconds(self, runs: int = 1) -> float:
        """Time the whole reference suite, in seconds.

        Args:
            runs: How often; the quickest counts.

        Raises:
            ReferenceFailsError: It does not pass.
        """
        orders = range(FIRST_SEED, FIRST_SEED + runs)
        futures = [self._runs.do(_timed(self._subject, self._reference, order)) for order in orders]
        return min(future.result() for future in futures)

    def prove(
        self,
        folder: Path,
        subject: Subject,
        bugs: Sequence[Patch],
        correct: Sequence[Patch],
        on_step: Callable[[Step], None] | None = None,
    ) -> tuple[Verdict, tuple[Proof, ...]]:
        """Prove the suite in a folder; there are no proofs of hygiene where nothing else is proved.

        Raises:
            CancelledError: The batch is ending.
            PatchError: A patch does not apply.
        """
        trials = TrialRuns(
            self.rules, self._runs, self._prepared, self.default,
            subject=subject, folder=folder, reference=self._reference, seen=len(correct),
        )  # fmt: skip
        steps = Steps(trials.count, on_step)
        with trials:
            proof = EngineProof(
                self._runs.run_all, self._runs.prover.trees, folder, subject, tuple(bugs), tuple(correct),
                on_step=steps.ran,
            )  # fmt: skip
            verdict = proof.verdict(trials.begin)
            if not verdict.is_proved or not verdict.tests:
                return verdict, ()
            results = trials.results(verdict, steps.tried)
            return verdict, Hygiene(self.rules, verdict, results, read_source(folder)).proofs()

    def close(self) -> None:
        """Leave the port and the folder; safe to call again."""
        if self.default is not None:
            self.default.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def prove_suite(
    prover: Prover,
    suite: Suite,
    subject: Subject,
    *,
    bugs: Sequence[Patch],
    correct: Sequence[Patch],
    rules: Sequence[Rule] = (),
    on_step: Callable[[Step], None] | None = None,
) -> tuple[Verdict, tuple[Proof, ...]]:
    """Prove one suite, and hold it to rules where there are some.

    Args:
        prover: Runs suites.
        suite: The tests.
        subject: The program.
        bugs: Patches of the subject.
        correct: Patches of the subject.
        rules: Which hygiene proofs to make.
        on_step: Called from this thread after each run.

    Raises:
        PatchError: A patch does not apply; the learner has nothing to do with it.
        KeyboardInterrupt: Ctrl-C; nothing runs on after it.
    """
    if not rules:
        return prover.prove(suite, subject, bugs=bugs, correct=correct, on_step=on_step), ()
    subject = replace(subject, plugins=(*subject.plugins, *PLUGINS))
    runs = Runs(prover, threading.Event())
    with HygieneProver(runs, subject, rules) as hygiene, prover.suite_folder(suite) as folder:
        return hygiene.prove(folder, subject, bugs, correct, on_step)


class Steps:
    """Counts runs and trials together, and calls `on_step` after each."""

    def __init__(self, trials: int, on_step: Callable[[Step], None] | None) -> None:
        self._trials, self._on_step = trials, on_step
        self._last = Step(0, 0, "")

    def ran(self, step: Step) -> None:
        """The engine has run something."""
        self._tell(Step(step.done, step.total + self._trials, step.what))

    def tried(self) -> None:
        """A trial is over."""
        last = self._last
        self._tell(Step(min(last.done + 1, last.total), last.total, "hygiene"))

    def _tell(self, step: Step) -> None:
        self._last = step
        if self._on_step:
            self._on_step(step)


def _timed(subject: Subject, folder: Path, order: int) -> Callable[[Slot], float]:
    def timed(slot: Slot) -> float:
        run = slot.run(Request(Variant(subject), folder, subject.seconds, subject.patience, shuffle=order))
        if run.failed or not run.outcomes:
            why = run.failed[0].message if run.failed else run.detail
            raise ReferenceFailsError(f"The reference suite of {subject.name} fails: {why}.", "Run `course verify`.")
        return run.seconds

    return timed
