"""Tests in JavaScript earn the verdicts that tests in Python earn."""

from __future__ import annotations

import pytest

from course.engine import Fate, Prover, Standing, Suite, Validity
from course.services.embedded.postgres import Embedded

pytestmark = [pytest.mark.node, pytest.mark.slow]

HEAD = 'const { total, order, write, read } = require("till");\n'
DATABASE = (
    HEAD
    + """const { Client } = require("pg");
let client;
beforeAll(async () => {
  client = new Client(process.env.DATABASE_URL);
  await client.connect();
});
afterAll(() => client.end());
"""
)
TOTAL = 'test("adds", () => { expect(total([1, 2])).toBe(3); });\n'


def only(verdict):
    (test,) = verdict.tests
    return test


def test_right_tests_pass_on_right_code_and_catch_bugs_by_an_assertion(prove):
    suite = (
        DATABASE
        + TOTAL
        + 'test("keeps", async () => { await write(client, "a"); expect(await read(client)).toEqual(["a"]); });'
    )
    bugs = ["api/forgets_the_last_price", "database/loses_the_receipt"]
    verdict = prove(suite, bugs, ["adds_with_reduce"])
    assert verdict.solved, verdict
    first, second = (judged.catches[0] for judged in verdict.bugs)
    assert (first.name, first.assertion, second.name, second.assertion) == ("adds", True, "keeps", True)
    assert first.message.splitlines()[1:] == ["Expected: 3", "Received: 1"]


def test_a_test_of_another_thing_leaves_a_bug_alive(prove):
    verdict = prove(HEAD + TOTAL, ["database/loses_the_receipt"])
    assert [judged.fate for judged in verdict.bugs] == [Fate.SURVIVED]


def test_more_than_the_contract_promises_is_a_false_alarm(prove):
    suite = (
        HEAD + 'describe("order", () => {\n  test("is a to z", () => {\n'
        '    expect(order(["b", "a"])).toEqual(["a", "b"]);\n  });\n});'
    )
    test = only(prove(suite, correct=["orders_backwards"]))
    assert (test.validity, test.variant, test.where) == (
        Validity.FALSE_ALARM,
        "correct/orders_backwards",
        "till.test.js:4",
    )
    assert test.name == "order \u203a is a to z"


def test_a_test_that_leans_on_another_is_order_dependent(prove):
    first = 'let seen = 0;\ntest("first", () => { seen += 1; expect(1).toBe(1); });\n'
    suite = first + 'test("second", () => { expect(seen).toBe(1); });'
    validities = {test.name: test.validity for test in prove(suite).tests}
    assert validities == {"first": Validity.VALID, "second": Validity.ORDER_DEPENDENT}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("expect({ a: 1, b: [1] }).toMatchObject({ a: 2 });", "expect(received).toMatchObject(expected)"),
        ("await Promise.reject(new TypeError('no'));", "TypeError: no"),
        ("throw 'a string';", "a string"),
        ("await new Promise(() => {});\n}, 50); test.skip('x', () => {", "Exceeded timeout of 50 ms for a test."),
    ],
)
def test_a_failure_is_told_with_its_line_without_colours_and_frames(prove, body, message):
    verdict = prove(f'\ntest("it", async () => {{\n  {body}\n}});')
    (test,) = verdict.doubtful
    assert test.message.splitlines()[0] == message
    assert test.where in {"till.test.js:3", "till.test.js:2"}
    assert "\x1b" not in test.message
    assert "node_modules" not in test.message


@pytest.mark.parametrize(
    "assertion",
    [
        "await request((_, answer) => answer.writeHead(total([200, 1])).end()).get('/').expect(201)",
        "await request((_, answer) => answer.end(String(total([1, 1])))).get('/').expect(200, '2')",
        "require('node:assert').equal(total([1, 1]), 2)",
        "expect(total([1, 1])).toBe(2)",
    ],
)
def test_what_other_libraries_assert_is_an_assertion(prove, assertion):
    suite = f'{HEAD}const request = require("supertest");\ntest("it", async () => {{ {assertion}; }});'
    verdict = prove(suite, ["api/forgets_the_last_price"])
    assert verdict.bugs[0].catches[0].assertion
    assert only(verdict).message == ""


@pytest.mark.parametrize("body", ["total([1]);", "await null;", ""])
def test_a_test_that_asserts_nothing_says_so(prove, body):
    assert "asserts nothing" in only(prove(f'{HEAD}test("it", async () => {{ {body} }});')).message


@pytest.mark.parametrize(
    ("text", "detail", "where"),
    [
        ("const a = 1;\nconst b = ;\n", "This is not JavaScript: Unexpected token ';'.", "till.test.js:2"),
        ("\ntest('it', () => {\n", "This is not JavaScript: Unexpected end of input.", ""),
        (
            "\nrequire('lodash-es');",
            "There is no package lodash-es. There are till, express, jest, pg",
            "till.test.js:2",
        ),
        ("\nimport a from 'b';", "`import` and `export` are not for files that jest reads as they are", ""),
        ("\nunknown();", "ReferenceError: unknown is not defined", "till.test.js:2"),
        ("const nothing = 1;", "There are no tests.", ""),
        ("", "There are no tests.", ""),
    ],
)
def test_a_file_that_cannot_run_is_told_in_a_sentence(prove, text, detail, where):
    verdict = prove(text, ["database/loses_the_receipt"])
    assert verdict.standing is Standing.BROKEN
    assert verdict.detail.startswith(detail)
    assert "\n" not in verdict.detail
    assert verdict.where == where or not where


@pytest.mark.parametrize(
    ("opens", "sentence"),
    [
        ("require('node:http').createServer().listen(0)", "A server listens on port"),
        ("new (require('pg').Client)(process.env.DATABASE_URL).connect()", "A connection to PostgreSQL is open"),
        ("setInterval(() => {}, 1000)", "A timer runs"),
    ],
)
def test_what_stays_open_is_told_with_the_way_to_close_it(prove, opens, sentence):
    (test,) = prove(f"{opens};\n{TOTAL.replace('total([1, 2])', '3')}").doubtful
    assert test.name == "after the tests"
    assert test.message.startswith(sentence)
    assert "End it in `afterAll`" in test.message


def test_an_endless_loop_is_ended_and_named_and_the_others_are_tried(prove):
    suite = HEAD + TOTAL + 'test("turns round", () => { while (true) {} });'
    verdict = prove(suite, ["api/forgets_the_last_price"], seconds=4)
    assert {test.name: test.validity for test in verdict.tests} == {
        "adds": Validity.VALID,
        "turns round": Validity.NEVER_ENDS,
    }
    assert [judged.fate for judged in verdict.bugs] == [Fate.CAUGHT]


def test_a_program_that_never_returns_is_not_settled(prove):
    suite = HEAD + 'test("orders", () => { expect(order(["a"])).toEqual(["a"]); });'
    (judged,) = prove(suite, ["api/never_returns"], seconds=4).bugs
    assert judged.fate is Fate.INCONCLUSIVE
    assert "orders" in judged.detail


def test_each_run_has_a_database_of_its_own(prove):
    suite = (
        DATABASE
        + 'test("is empty", async () => { await write(client, "a"); expect(await read(client)).toEqual(["a"]); });'
    )
    assert prove(suite, correct=["adds_with_reduce", "orders_backwards"]).solved


def test_where_the_system_cannot_fork_node_runs_as_well(till, monkeypatch):
    monkeypatch.setattr("course.engine.prover.CAN_FORK", False)
    suite = Suite.from_files({"till.test.js": HEAD + TOTAL})
    with Prover(Embedded().start, jobs=2) as prover:
        verdict = prover.prove(suite, till, bugs=[till.bug("api/forgets_the_last_price")], correct=[])
    assert verdict.solved


def test_what_before_all_raises_is_told_in_each_test(prove):
    verdict = prove(f"beforeAll(() => {{ throw new Error('no table'); }});\n{TOTAL}".replace("total([1, 2])", "3"))
    assert [(test.name, test.message) for test in verdict.doubtful] == [("adds", "no table")]


def test_what_after_all_raises_is_told_by_itself(prove):
    verdict = prove(f"afterAll(() => {{ throw new Error('still open'); }});\n{TOTAL}".replace("total([1, 2])", "3"))
    assert [(test.name, test.message, test.where) for test in verdict.doubtful] == [
        ("afterAll", "still open", "till.test.js:1")
    ]


def test_names_that_are_alike_are_told_apart(prove):
    verdict = prove("test('it', () => { expect(1).toBe(1); });\ntest('it', () => { expect(1).toBe(2); });")
    assert {test.name: test.validity for test in verdict.tests} == {
        "it": Validity.VALID,
        "it (2)": Validity.FALSE_ALARM,
    }


def test_fetch_has_the_memory_that_it_reserves(prove):
    suite = "test('it', async () => { await expect(fetch('http://127.0.0.1:9')).rejects.toThrow('fetch failed'); });"
    assert prove(suite).valid
