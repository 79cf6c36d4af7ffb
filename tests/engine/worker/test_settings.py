"""A suite that is green under plain pytest is green in a run: its settings hold, and pytest's own plugins are there."""

from __future__ import annotations

import pytest

from course.engine import Standing, Suite
from course.engine.worker.plugins import plugins_for
from course.engine.worker.settings import find_settings

slow = pytest.mark.slow  # each of them starts programs
SUM = "from till import total\ndef test_sum(): assert total([1, 2]) == 3\n"
BAD = "\ndef test_bad(): assert 0\n"
SETTINGS = {
    "testpaths": ({"pytest.ini": "[pytest]\ntestpaths = tests\n", "other/test_x.py": "import sys\nsys.exit(3)\n"}, SUM),
    "python_files": ({"pytest.ini": "[pytest]\npython_files = test_till.py\n", "tests/test_x.py": BAD}, SUM),
    "-m": (
        {"pytest.ini": "[pytest]\naddopts = -m 'not e2e'\nmarkers = e2e\n"},
        f"{SUM}import pytest\n@pytest.mark.e2e{BAD}",
    ),
    "-k": ({"pytest.ini": "[pytest]\naddopts = -k sum\n"}, SUM + BAD),
    "--ignore": ({"pytest.ini": "[pytest]\naddopts = --ignore=manual\n", "manual/test_x.py": "input('name? ')\n"}, SUM),
    "--deselect": ({"pytest.ini": "[pytest]\naddopts = --deselect tests/test_till.py::test_bad\n"}, SUM + BAD),
    "--import-mode": (
        {"pyproject.toml": "[tool.pytest]\naddopts = ['--import-mode=importlib']\n", "more/test_till.py": SUM}, SUM
    ),
    "pythonpath": ({"pytest.ini": "[pytest]\npythonpath = lib\n", "lib/names.py": ""}, f"import names\n{SUM}"),
    "-n and -x": ({"pytest.ini": "[pytest]\naddopts = -n 2 -x --lf --pdb --junitxml=x.xml\n"}, SUM),
    "options of its own": (
        {
            "pytest.ini": "[pytest]\naddopts = --slowly\nmine = 3\n",
            "conftest.py": "def pytest_addoption(parser):\n    parser.addoption('--slowly', action='store_true')\n"
            "    parser.addini('mine', '')\n",
        },
        (
            f"{SUM}\ndef test_set(pytestconfig):\n"
            "    assert pytestconfig.getoption('slowly') and pytestconfig.getini('mine')\n"
        ),
    ),
    "strict, with settings of pytest's plugins": (
        {
            "pyproject.toml": "[tool.pytest.ini_options]\nfilterwarnings = ['error']\nstrict = true\n"
            "junit_family = 'xunit2'\ncache_dir = '.cache'\nconsole_output_style = 'count'\nfaulthandler_timeout = 60\n"
        },
        f"import asyncio\n{SUM}",
    ),
}  # fmt: skip
FIXTURES = """
def test_fixtures(
    record_property, record_testsuite_property, record_xml_attribute, cache, capsys, doctest_namespace, pytestconfig
):
    record_property("requirement", "R1")
    record_testsuite_property("suite", "all")
    cache.set("till/last", 1)
    print("seen")
    assert capsys.readouterr().out == "seen\\n"
    assert pytestconfig.getoption("verbose") == pytestconfig.option.verbose == 0
    pytestconfig.pluginmanager.get_plugin("terminalreporter").write_line("nowhere")
"""
HELPERS = """
from freezegun import freeze_time
from hypothesis import given, strategies
import dotenv, factory, os, pytest, requests

@pytest.mark.timeout(30)
def test_mock(mocker, faker):
    assert mocker.Mock(return_value=faker.name())()

@given(strategies.integers())
def test_any_number(number): assert number == number

def test_stage():
    assert os.environ["STAGE"] == "test"

async def test_async(): pass
"""


@pytest.fixture
def prove_files(prover, till):
    """Prove the files of a suite on the till alone."""
    return lambda files: prover.prove(Suite.from_files(files), till, bugs=(), correct=())


def valid(verdict):
    assert verdict.standing is Standing.PROVED, (verdict.detail, verdict.where)
    assert not verdict.doubtful
    return sorted(test.partition("::")[2] for test in verdict.valid)


@slow
@pytest.mark.parametrize(("files", "text"), SETTINGS.values(), ids=SETTINGS)
def test_a_suite_is_run_as_its_settings_say(prove_files, files, text):
    verdict = prove_files({"tests/test_till.py": text, **files})
    assert "test_sum" in valid(verdict)
    assert not verdict.left_out


@slow
def test_fixtures_and_options_of_pytests_own_plugins_are_there(prove):
    verdict = prove(SUM, files={"test_more.py": FIXTURES})
    assert valid(verdict) == ["test_fixtures", "test_sum"]
    assert not verdict.output


@slow
def test_options_and_settings_of_plugins_that_are_not_here_are_left_out_with_a_note(prove):
    settings = (
        "[pytest]\naddopts = --cov tests --cov-report=term -p no:randomly\nrequired_plugins = pytest-cov\n"
        "strict = true\nfilterwarnings = error\nrender_collapsed = all\n"
    )
    verdict = prove(SUM, files={"pytest.ini": settings})
    assert valid(verdict) == ["test_sum"]
    assert "No plugin here knows --cov, --cov-report, render_collapsed" in verdict.left_out


@slow
def test_the_current_folder_is_importable_as_under_python_m_pytest(prove_files):
    text = "import os\nfrom tests.names import CAT\ndef test_sum(): assert os.path.exists('tests/names.py')\n"
    assert valid(prove_files({"tests/names.py": "CAT = 1\n", "tests/unit/test_a.py": text})) == ["test_sum"]


@slow
def test_helpers_that_the_brief_names_are_there(prove):
    settings = "[pytest]\nasyncio_mode = auto\ntimeout = 60\nenv =\n    STAGE=test\n"
    verdict = prove(SUM, files={"pytest.ini": settings, "test_more.py": HELPERS})
    assert valid(verdict) == ["test_any_number", "test_async", "test_mock", "test_stage", "test_sum"]


def test_a_suite_gets_the_plugins_that_it_speaks_of():
    assert plugins_for("def test_one(): assert 1 + 1 == 2") == ()
    assert plugins_for("@pytest.mark.asyncio\nasync def test_one(respx_mock): ...") == (
        "pytest_asyncio.plugin", "respx.plugin",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("pytest.ini", "", True),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", True),
        ("pyproject.toml", "[project]\nname = 'x'\n", False),
        ("pyproject.toml", "this is no toml", True),
        ("tox.ini", "[tox]\n", False),
        ("setup.cfg", "[tool:pytest]\n", True),
    ],
)
def test_a_file_is_asked_for_settings_where_pytest_would_ask_it(tmp_path, name, text, found):
    (tmp_path / name).write_text(text)
    assert (find_settings(tmp_path) is not None) is found
