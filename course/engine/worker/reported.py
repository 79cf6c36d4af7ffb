"""How a test went, by all that pytest reports of it: a subtest and a teardown count as well as the call."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

VERBOSE = re.compile(r"^.*[Uu]se '?-v+'? to .*$\n?", re.MULTILINE)  # where no run has an option for it
ADDRESS = re.compile(r"^ *\+ +where (<[^\n]*\bmethod [^\n]* at 0x[0-9a-f]+>+) = ([^\n]+)$\n?", re.MULTILINE)


def assertion_text(words: str) -> str:
    r"""What an assertion says, without advice to use `-v` and without the addresses of methods.

    Example:
        >>> method = "<built-in method endswith of str object at 0x7f>"
        >>> words = f"assert False\n +  where False = {method}('Z')\n +    where {method} = '12:00'.endswith"
        >>> print(assertion_text(words))
        assert False
         +  where False = '12:00'.endswith('Z')
    """
    words = VERBOSE.sub("", words)
    for line in ADDRESS.finditer(words):
        words = words.replace(line[0], "").replace(line[1], line[2])
    return words.rstrip()


@dataclass
class Reported:
    """What is known of one test, report by report.

    Attributes:
        result: `passed`, `failed` or `skipped`; an expected failure, and one that did not come, count as skipped.
        phase: `setup`, `call` or `teardown`: where that was seen.
        reason: Why it was skipped.
    """

    result: str = "skipped"
    phase: str = "setup"
    reason: str = "It was not run."

    @property
    def failed(self) -> bool:
        return self.result == "failed"

    def take(self, report: pytest.TestReport) -> bool:
        """Add a report, a subtest's included; whether it is the first on which the test fails."""
        if self.failed:
            return False
        if report.failed:
            self.result, self.phase, self.reason = "failed", report.when, ""
        # The last report of a call is the test's own: that a part was skipped makes no skipped test
        elif report.when == "call" or (report.when == "setup" and report.skipped):
            expected = hasattr(report, "wasxfail")
            self.result = "skipped" if report.skipped or expected else "passed"
            self.phase, self.reason = report.when, _reason(report)
        return self.failed


def _reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    return str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
