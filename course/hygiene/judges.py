"""Judges the trials of a suite: each hygiene proof says whether it passed, and what the runs have shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from course.engine import Fate, Validity, Verdict
from course.hygiene.prepared import FIRST_ID
from course.hygiene.rule import Proof, Rule
from course.hygiene.scrub import first_line
from course.hygiene.trial import Trial
from course.hygiene.trial_runs import RATIO_AT_MOST, Trials

NAMED_AT_MOST = 5
# What a driver says when it was sent to a server, a database or a role that is not the one it was given
ELSEWHERE = re.compile(
    r"Connection refused|ConnectError|connection attempts failed|could not translate host name|"
    r'role "[^"]*" does not exist|database "[^"]*" does not exist|password authentication failed|'
    r"tests have no business here|[Nn]ame or service not known|Address already in use|address already in use"
)


class Hygiene:
    """All hygiene proofs of one suite.

    Args:
        rules: Which proofs to make.
        verdict: What the engine has proved; only its believed tests count.
        trials: What the trials have shown.
        source: The suite's own source, of which nothing is taken out.
    """

    def __init__(self, rules: Sequence[Rule], verdict: Verdict, trials: Trials, source: str = "") -> None:
        self._source = source
        self._rules = rules
        self._verdict = verdict
        self._trials = trials
        self._judges: Mapping[str, Callable[[Rule], Proof]] = {
            "cleans_its_database": self._cleans,
            "leaves_production_alone": self._production,
            "leaves_nothing_behind": self._litter,
            "leaves_no_connection": self._connections,
            "takes_any_address": self._address,
            "starts_its_own_container": self._container,
            "depends_on_no_seed": self._seed,
            "tests_error_answers": self._errors,
            "is_fast": self._fast,
            "passes_in_any_order": self._order,
            "passes_under_two_workers": self._workers,
        }

    def proofs(self) -> tuple[Proof, ...]:
        """Judge all trials, in the order of the rules."""
        return tuple(self._judges[rule.name](rule) for rule in self._rules if rule.name in self._judges)

    def _cleans(self, rule: Rule) -> Proof:
        return self._by_tests(
            rule, self._trials.twice, "the second time on one database", "ran twice on one database: same result"
        )

    def _litter(self, rule: Rule) -> Proof:
        litter = [first_line(phrase) for phrase in self._trials.twice.litter]
        if not litter:
            return Proof(rule.name, True, "the database held the same before and after")
        more = f" and {len(litter) - NAMED_AT_MOST} more" if len(litter) > NAMED_AT_MOST else ""
        return Proof(rule.name, False, f"the suite left {', '.join(sorted(set(litter))[:NAMED_AT_MOST])}{more}")

    def _connections(self, rule: Rule) -> Proof:
        count = self._trials.twice.abandoned
        if not count:
            return Proof(rule.name, True, "every connection was closed before the suite ended")
        some = "1 connection was" if count == 1 else f"{count} connections were"
        return Proof(rule.name, False, f"{some} still open when the suite ended: nobody closed them")

    def _production(self, rule: Rule) -> Proof:
        attempts = sorted(set(self._trials.twice.attempts))
        if not attempts:
            return Proof(
                rule.name, True, "nobody called the production database that stood in .env and the environment"
            )
        who = ", ".join(f"as {first_line(one.user)} to database {first_line(one.database)}" for one in attempts[:3])
        return Proof(rule.name, False, f"the suite tried to log in to the production database: {who}")

    def _address(self, rule: Rule) -> Proof:
        elsewhere = {test.test: test.message for test in self._verdict.doubtful if ELSEWHERE.search(test.message)}
        if not elsewhere:
            return Proof(rule.name, True, "every run had a database name of its own and a port that was drawn")
        test = min(elsewhere)
        return Proof(
            rule.name, False, f"{_name(test)}: {first_line(elsewhere[test], self._source)}", tuple(sorted(elsewhere))
        )

    def _container(self, rule: Rule) -> Proof:
        images, wanted = self._trials.boxed.images, str(rule.settings.get("image", ""))
        if not images:
            return Proof(rule.name, False, "the suite started no container")
        if not any(re.search(rf"(^|/){re.escape(wanted)}(?!\d)", image) for image in images):
            return Proof(rule.name, False, f"the suite started {first_line(images[0])}, and production has {wanted}")
        if not self._trials.boxed.contained:
            return Proof(rule.name, False, "the suite started a container, and went to the database of DATABASE_URL")
        return Proof(rule.name, True, f"the suite started {first_line(images[0])}, and worked in it")

    def _seed(self, rule: Rule) -> Proof:
        if gone := self._trials.used.gone:
            return Proof(rule.name, False, f"rows of somebody else were deleted or changed: {', '.join(gone)}")
        rows = "" if self._trials.twice.contained else " and rows of somebody else"
        good = f"passed with ids from {FIRST_ID}{rows or ', in a container of its own'}"
        return self._by_tests(rule, self._trials.used, f"with ids from {FIRST_ID}{rows}", good)

    def _errors(self, rule: Rule) -> Proof:
        return judge_errors(rule, self._verdict)

    def _fast(self, rule: Rule) -> Proof:
        if not self._verdict.valid:
            return Proof(rule.name, False, "none of its tests can be believed, so that none was timed")
        at_most = float(rule.settings.get("ratio_at_most", RATIO_AT_MOST))
        ratio = self._trials.timed.ratio
        more_or_less = "at most" if ratio <= at_most else "more than"
        evidence = f"a test takes {more_or_less} {at_most:g} times as long as one of the reference suite"
        return Proof(rule.name, ratio <= at_most, evidence, (), round(ratio, 3))

    def _order(self, rule: Rule) -> Proof:
        doubtful = {t.test: t.message for t in self._verdict.tests if t.validity is Validity.ORDER_DEPENDENT}
        lost = doubtful | {test: said for trial in self._trials.shuffled for test, said in trial.lost.items()}
        good = f"passed in {self._trials.orders} random orders"
        return self._by_tests(rule, Trial(lost), "in another order", good)

    def _workers(self, rule: Rule) -> Proof:
        count = rule.settings.get("workers", 2)
        when = f"with {count} workers on one database, each in the middle of the other's tests"
        return self._by_tests(rule, self._trials.dealt, when, f"passed with {count} workers at once")

    def _by_tests(self, rule: Rule, trial: Trial, when: str, good: str) -> Proof:
        if not trial.lost:
            return Proof(rule.name, True, good)
        tests = tuple(sorted(trial.lost))
        said = first_line(trial.lost[tests[0]], self._source) or "it did not run"
        return Proof(rule.name, False, f"{when}, {_name(tests[0])} fails: {said}", tests)


def judge_errors(rule: Rule, verdict: Verdict) -> Proof:
    """Whether a bug is caught in the answers of each status that the rule names: it takes no run, but the verdict."""
    missing: list[str] = []
    seen: list[str] = []
    for status in rule.settings.get("statuses", ()):
        fates = {judged.fate for judged in verdict.bugs if str(status) in judged.bug.header.get("Error", "")}
        if fates:
            (seen if Fate.CAUGHT in fates else missing).append(str(status))
    if missing:
        return Proof(rule.name, False, f"no bug in the answers of status {', '.join(missing)} is caught")
    return Proof(rule.name, True, f"a bug is caught in the answers of each status: {', '.join(seen)}")


def _name(test: str) -> str:
    return first_line(test.rpartition("::")[2])
