from __future__ import annotations

import re

from course.shipped import CLONE

HEADINGS = ["Added", "Changed", "Fixed", "Removed"]


def test_the_changelog_keeps_its_own_grammar():
    _, *versions = re.split(r"^## ", (CLONE / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    for version in versions:
        title, *parts = re.split(r"^### ", version, flags=re.MULTILINE)
        assert re.fullmatch(r"Unreleased|\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", title.strip())
        names = [part.partition("\n")[0] for part in parts]
        assert names == [name for name in HEADINGS if name in names]
        for part in parts:
            for entry in part.strip().split("\n")[2:]:
                assert re.fullmatch(r"- \*\*(Learners|Teachers|Authors)\*\* .+\.", entry), entry
