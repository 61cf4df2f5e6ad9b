"""JavaScript sees variables, tells what it set, and stays in its sandbox, whatever it tries."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BpmnError, ScriptError
from engine.expressions.contexts import Limits
from engine.expressions.scripts import Outcome, check, run
from engine.expressions.values import type_of

LIMITS = Limits(cpu_seconds=600, memory=16 * 2**20, sleep_seconds=60)  # no script here takes so long, on any machine
QUICK = replace(LIMITS, cpu_seconds=0.2)


def javascript(source: str, /, facts: dict[str, Any] | None = None, *, limits: Limits = LIMITS, **variables: Any) -> Outcome:
    return run("javascript", source, variables, facts=facts, limits=limits, sleep=lambda seconds: None)


def test_reads_and_sets_variables() -> None:
    outcome = javascript(
        'var total = 0; for (var i = 1; i <= count; i++) { total += i; } execution.setVariable("text", "sum of " + count);'
        'execution.setVariable("big", total > 10); execution.setVariableLocal("near", [1, {a: null}]);'
        'execution.setTransientVariable("passing", 1); execution.removeVariable("old");',
        count=5,
        old="x",
    )
    assert outcome.assigned == {"text": "sum of 5", "big": True}
    assert outcome.local == {"near": [1, {"a": None}]}
    assert outcome.transient == {"passing": 1}
    assert outcome.removed == {"old"}


def test_the_value_is_that_of_the_last_expression() -> None:
    assert javascript("var a = 2; a * 21").value == 42
    assert javascript("var a = 2").value is None


def test_tells_the_globals_it_assigned() -> None:
    outcome = javascript("known = known + 1; fresh = 'x'; var declared = true; let hidden = 1; function f() {}", known=1, untouched=2)
    assert outcome.globals == {"known": 2, "fresh": "x", "declared": True}
    assert outcome.assigned == {}


def test_a_variable_that_was_set_is_seen_by_its_name() -> None:
    assert javascript('execution.setVariable("x", 2); x + execution.getVariable("x")', x=1).value == 4
    assert javascript('execution.removeVariable("x"); typeof x', x=1).value == "undefined"
    assert (
        javascript('execution.hasVariable("x") && !execution.hasVariable("y") && execution.getVariable("y") === null', x=None).value is True
    )


def test_an_unknown_name_fails_with_its_line() -> None:
    with pytest.raises(ScriptError, match="missing is not defined") as failed:
        javascript("var a = 1;\n\na + missing")
    assert failed.value.line == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [('throw "too young";', "too young"), ('throw new Error("too much");', "too much"),
    ('throw new RuntimeException("Failure!")', "Failure!"),
     ("function f() { throw new Error('deep'); } f();", "deep")],
)  # fmt: skip
def test_a_thrown_message_is_carried(source: str, message: str) -> None:
    with pytest.raises(ScriptError) as failed:
        javascript(source)
    assert str(failed.value) == message


def test_throws_business_errors() -> None:
    for source in ('throw new BpmnError("sold-out", "none left")', 'throw new (Java.type("org.x.BpmnError"))("sold-out", "none left")'):
        with pytest.raises(BpmnError, match="none left") as thrown:
            javascript(source)
        assert thrown.value.code == "sold-out"


def test_facts_are_properties_and_getters() -> None:
    facts = {"processInstanceId": "p1", "businessKey": None, "task": {"name": "Work"}}
    source = "[execution.processInstanceId, execution.getProcessInstanceId(), execution.businessKey, task.name, task.getName()]"
    assert javascript(source, facts).value == ["p1", "p1", None, "Work", "Work"]


def test_printed_lines_are_collected_and_bounded() -> None:
    assert javascript('println("a", 1); print({b: [true]}); console.log(null)').printed == ("a 1", '{"b":[true]}', "null")
    assert sum(map(len, javascript('for (var i = 0; i < 300; i++) print("x".repeat(1000))').printed)) <= LIMITS.printed


def test_sleeping_is_served_outside_and_costs_no_cpu_time() -> None:
    slept: list[float] = []
    source = "var begin = Date.now(); function f() { Thread.sleep(5000); } f(); Thread.sleep(500); Date.now() - begin >= 5500"
    assert run("javascript", source, {}, limits=LIMITS, sleep=slept.append).value is True
    assert slept == [5.5]


def test_a_failing_script_sleeps_before_it_fails() -> None:
    slept: list[float] = []
    with pytest.raises(ScriptError, match="late"):
        run("javascript", "Thread.sleep(100); throw 'late'", {}, sleep=slept.append)
    assert slept == [0.1]


def test_values_keep_their_meaning_in_and_out() -> None:
    given_ = {
        "whole": 7, "fraction": 2.5, "price": Decimal("1.25"), "moment": datetime(2024, 1, 1, tzinfo=UTC), "day": date(2024, 2, 1),
        "big": 2**60,
        "raw": b"ab", "tree": {"a": [1, None]}, "nothing": None, "bean": object(),
    }  # fmt: skip
    source = (
        "[whole + 1, fraction * 2, price * 4, day, tree.a[0], nothing, typeof bean];"
        'execution.setVariable("later", new Date(moment.getTime() + 1500)); execution.setVariable("big", big + 1n);'
        'execution.setVariable("raw", raw); execution.setVariable("huge", 1e30); execution.setVariable("half", 1 / 2);'
    )
    assigned = javascript(source, **given_).assigned
    assert assigned["later"] == datetime(2024, 1, 1, 0, 0, 1, 500_000, UTC)
    assert (assigned["big"], type_of(assigned["big"])) == (2**60 + 1, "long")
    assert (assigned["raw"], assigned["huge"], assigned["half"]) == (b"ab", 1e30, 0.5)
    assert javascript(source.partition(";")[0], **given_).value == [8, 5, 5, "2024-02-01", 1, None, "undefined"]


@pytest.mark.parametrize(
    "source", ["while (true);", "while (true) { try { while (true); } catch (e) {} }", "/(a+)+$/.test('a'.repeat(40) + 'b')"]
)
def test_an_endless_script_is_ended(source: str) -> None:
    with pytest.raises(ScriptError, match=r"ran longer than 0\.2 seconds"):
        javascript(source, limits=QUICK)


@pytest.mark.parametrize(
    "source", ["var a = []; while (true) a.push('x'.repeat(1000) + a.length)", "new Array(1e9).fill(0)", "'x'.repeat(3e7).split('')"]
)
def test_a_memory_hog_is_ended(source: str) -> None:
    with pytest.raises(ScriptError, match="memory"):
        javascript(source)


def test_memory_that_ends_anywhere_is_told_as_what_it_is() -> None:
    for limit in range(2 * 2**20, 2 * 2**20 + 2400, 24):
        with pytest.raises(ScriptError, match="memory"):
            javascript("var a = []; while (true) a.push('x'.repeat(1000) + a.length)", limits=replace(LIMITS, memory=limit))


@pytest.mark.parametrize("source", ["Thread.sleep(61000)", "while (true) try { Thread.sleep(1000) } catch (e) { break }"])
def test_too_much_sleep_is_refused(source: str) -> None:
    with pytest.raises(ScriptError, match="sleeps longer than 60 seconds"):
        javascript(source)


def test_nothing_outside_is_there(tmp_path: Path) -> None:
    module = tmp_path / "leak.js"
    module.write_text("globalThis.leaked = 1; export default 1")
    names = ["std", "os", "require", "process", "fetch", "XMLHttpRequest", "Deno", "load", "read"]
    assert javascript(f"[{','.join(f'typeof {name}' for name in names)}]").value == ["undefined"] * len(names)
    assert javascript(f"import({str(module)!r}); 1").globals == {}
    with pytest.raises(ScriptError, match="Java classes are not available"):
        javascript('Java.type("java.io.File")')


@pytest.mark.parametrize(
    "source",
    ["JSON.stringify = null; Array.prototype.map = null; Object.prototype.toJSON = function () { return {slept: 'x', error: 5} }; 1",
     "Object.prototype.toJSON = function () { return [] }; 1", "Object.prototype.toJSON = () => ({error: null, slept: {}}); 1",
     "var o = {}; o.o = o; o", "0 / 0", "'\\ud800'", "'a\\0b'", "new Date(NaN)", "(" * 50_000, "[" * 90_000, "JSON.parse('['.repeat(1e6))",
     "let d = []; for (let i = 0; i < 1e5; i++) d = [d]; d", "function f() { f() } f()", "throw null", "throw {toString() { throw 1 }}"],
)  # fmt: skip
def test_a_broken_result_is_a_script_error_and_no_crash(source: str) -> None:
    with pytest.raises(ScriptError):
        javascript(source)


def test_variables_may_have_any_name() -> None:
    odd = {"__proto__": 1, "constructor": 2, "undefined": 3, "Date": 4, "print": 5, "my-name": 6, "": 7}
    assert run("javascript", "execution.getVariable('__proto__') + constructor + Date", odd, limits=LIMITS).value == 7
    assert run("javascript", "execution.setVariable('__proto__', 9)", odd, limits=LIMITS).assigned == {"__proto__": 9}


def test_a_juel_script_is_an_expression() -> None:
    assert run("juel", "${a + b}", {"a": 1, "b": 2}).value == 3
    check("juel", "#{a}")
    with pytest.raises(ScriptError):
        check("juel", "${a +}")


def test_mistakes_are_told_when_checked_without_running() -> None:
    check("javascript", "while (true);")
    check("JavaScript", "unknown.name")
    with pytest.raises(ScriptError, match="SyntaxError") as refused:
        check("javascript", "var a = 1;\nvar ;\n")
    assert refused.value.line == 2


@pytest.mark.parametrize("language", ["python", "ruby", "feel", ""])
def test_unknown_languages_are_refused(language: str) -> None:
    if language:
        with pytest.raises(ScriptError, match="not supported"):
            check(language, "1")
    else:
        check(language, "${1}")  # JUEL is the default, as in Flowable


def test_too_long_a_script_is_refused() -> None:
    for source in ("1;" * 60_000, "\n" * 100_001, "a\0b", "'\ud800'"):
        with pytest.raises(ScriptError):
            check("javascript", source)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["javascript", "groovy"]), st.one_of(st.text(), st.lists(st.sampled_from(
    ["def ", "x", "=", "1", "'a'", '"$x ${y}"', "(", ")", "{", "}", "[", "]", "\n", ";", "if ", "else ", ".", "+", "->", ":", "?", ",",
    "return ", "println "]
)).map("".join)))  # fmt: skip
def test_any_text_is_checked_or_raises_script_error(language: str, source: str) -> None:
    try:
        check(language, source)
    except ScriptError as error:
        assert str(error)  # noqa: PT017  # either outcome is right
