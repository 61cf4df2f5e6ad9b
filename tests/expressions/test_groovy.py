"""The simple Groovy of process models runs as it would on Java; whatever lies beyond is refused when it is deployed."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BpmnError, ScriptError
from engine.expressions.contexts import Limits
from engine.expressions.scripts import Outcome, check, run

SHARED = Path(__file__).parents[3] / "shared"
LIMITS = Limits(cpu_seconds=600, memory=16 * 2**20)  # no script here takes so long, on any machine


def groovy(source: str, **variables: Any) -> Outcome:
    check("groovy", source)
    return run("groovy", source, variables, limits=LIMITS, sleep=lambda seconds: None)


def test_reads_sets_and_prints() -> None:
    source = 'def total = price * pieces; if (total > 100) { total = total - 10 }; execution.setVariable("total", total); println(total)'
    assert groovy(source, price=30, pieces=4) == Outcome(None, {"total": 110}, printed=("110",))
    assert groovy(source, price=3, pieces=4).assigned == {"total": 12}


def test_an_unreliable_step_fails_or_prints() -> None:
    source = """if (luck > 0.5) {
        println "Failure sending order!"
        throw new RuntimeException("Failure!")
    } else {
        println "Order sent"
    }"""
    assert groovy(source, luck=0.2).printed == ("Order sent",)
    with pytest.raises(ScriptError, match=r"^Failure!$") as failed:
        groovy(source, luck=0.7)
    assert failed.value.line == 3


def test_sleeps() -> None:
    slept: list[float] = []
    run("groovy", "Thread.sleep(5000)\nsleep(10)", {}, sleep=slept.append)
    assert slept == [5.01]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("0.1 + 0.2 == 0.3", True), ("10 / 4", 2.5), ("7 % 4", 3), ("2 ** 10", 1024), ("10.intdiv(4)", 2), ("1 + 'a'", "1a"), ("'a' * 3",
        "aaa"),
        ("-x + +x", 0), ("!x", False), ("!''", True), ("[] ? 1 : 2", 2), ("x ?: 9", 5), ("none ?: 9", 9), ("x <=> 6", -1),
        ("x == 5.0", True),
        ("'b' in ['a', 'b']", True), ("[1, 2] + 3", [1, 2, 3]), ("[1, 2, 2] - 2", [1]),
        ("[a: 1, 'b c': [x: 2]]", {"a": 1, "b c": {"x": 2}}),
        ("[:]", {}), ("[a: 1].b", None), ("[1, 2][-1]", 2), ("'text'[0]", "t"), ("(1..<3).collect { it * 2 }", [2, 4]), ("(1..3).sum()", 6),
        ("none?.size()", None), ("order.lines[0].what", "rope"), ("order.lines.collect { it.what }.join(', ')", "rope, sail"),
        ("order['lines'].size()", 2),
        ("order.lines.find { it.what == 'sail' }.what", "sail"), ("order.lines == null ? 1 : 2", 2),
        ("\"$x ${x + 1} \\$ ${order.lines.size()} $order.name\"", "5 6 $ 2 alice"), ("'${x}'", "${x}"), ('"""a\n${x}"""', "a\n5"),
        ("'12'.toInteger() + Integer.parseInt('1')", 13), ("'7' as int", 7), ("x as String", "5"), ("x instanceof Number", True),
        ("' a '.trim().toUpperCase()", "A"), ("'a,b'.split(',')[1]", "b"), ("'abc'.substring(1, 2)", "b"), ("Math.max(1, 2)", 2),
        ("def c = { a, b -> a + b }; c(1, 2)", 3), ("def twice(n) { n * 2 }\ntwice(4)", 8), ("int i = 0; while (i < 3) i++\ni", 3),
        ("def s = 0; for (int i = 0; i < 4; i++) { if (i == 2) continue; s += i }; s", 4), ("def s = 0\nfor (n in [1, 2]) s += n\ns", 3),
        ("def l = []; l << 1; l.add(2); l", [1, 2]), ("def m = [:]; m.a = 1; m['b'] = 2; m.put('c', 3); m", {"a": 1, "b": 2, "c": 3}),
        ("def s = ''\n[a: 1, b: 2].each { k, v -> s += \"$k$v\" }\ns", "a1b2"), ("new ArrayList<String>()", []), ("new Date(0).time", 0),
        ("try { none.foo } catch (NullPointerException e) { 'npe' } finally { println 'x' }", "npe"),
        ("if (x > 3) { 'big' } else { 'small' }", "big"),
        ("try { throw new IllegalStateException('no') } catch (ArithmeticException | IllegalStateException e) { e.message }", "no"),
        ("if (x == 1)\n  'one'\nelse if (x == 5)\n  'five'\nelse\n  'other'", "five"),
        ("def f = order.lines\n  .findAll { it }\n  .size()\nf", 2),
        ("def function = 1; function + 1", 2), ("a = b = 3\na + b", 6), ("x++\nx", 6),
        ("import java.util.Date\nimport java.util.*\n1", 1), ("return x; 1", 5),
        ("final String name = 'x'\nname", "x"), ("/* a\n b */ 1 // c", 1), ("", None), ("1;\n;2;", 2),
    ],
)  # fmt: skip
def test_means_what_groovy_means(source: str, value: object) -> None:
    order = {"name": "alice", "lines": [{"what": "rope"}, {"what": "sail"}]}
    assert groovy(source, x=5, none=None, order=order).value == value


def test_only_undeclared_names_are_told_as_globals() -> None:
    assert groovy("def a = 1\nint b = 2\nc = a + b\nknown = 4", known=1).globals == {"c": 3, "known": 4}


def test_throws_business_errors() -> None:
    with pytest.raises(BpmnError, match="none left") as thrown:
        groovy("throw new org.flowable.engine.delegate.BpmnError('sold-out', 'none left')")
    assert thrown.value.code == "sold-out"


@pytest.mark.parametrize(
    ("source", "line", "named"),
    [
        ("class A {}", 1, "class"), ("\n\nswitch (x) { case 1: break }", 3, "switch"), ("@Field def x = 1", 1, "annotations"),
        ("x =~ 'a'", 1, "regular expressions"), ("x*.name", 1, "spread"), ("new File('/etc/passwd').text", 1, "new File"),
        ("'ls'.execute()", 1, ".execute"), ("1\nSystem.exit(0)", 2, "System.exit"), ("import groovy.json.JsonSlurper", 1, "JsonSlurper"),
        ("execution.class.forName('x')", 1, ".class"), ("java.lang.Runtime.getRuntime()", 1, "java.lang"), ("foo(1)", 1, "foo"),
        ("x[", 1, "end"),
        ('"a ${x"', 1, "not closed"), ("'a", 1, "not closed"), ("def __g = 1", 1, "__g"), ("1 2", 1, "2"), ("a()++", 1, "++"),
        ("(1)\n}", 2, "}"),
        ("x = 010", 1, "octal"), ("y as File", 1, "File"), ("do { } while (x)", 1, "do"), ("\"${1 +}\"", 1, "in a text"),
        ("def a = 1\ndef a = 2", 2, "a"),
        ("'\\q'", 1, "escape"), ("(" * 100 + ")" * 100, 1, "nested"), ("!" * 3000 + "x", None, ""), ("a" + ".b" * 3000, None, ""),
        ("a ? 1 : " * 300 + "2", 1, "nested"), ("x.y++", 1, "++"), ("#", 1, "#"), ("1_000 = 2", 1, ""),
    ],
)  # fmt: skip
def test_what_is_beyond_is_refused_with_its_line(source: str, line: int | None, named: str) -> None:
    with pytest.raises(ScriptError) as refused:
        check("groovy", source)
    assert named in str(refused.value)
    assert line is None or refused.value.line == line


@pytest.mark.parametrize(
    "source", ["null.foo()", "none + 1", "none.x", "1 / 0", "missing", "'a'.nonsense()", "[1].get(3)", "1 < 'a'", "'x'.toInteger()"]
)
def test_fails_when_it_runs(source: str) -> None:
    with pytest.raises(ScriptError):
        groovy(source, none=None)


_SCRIPT = re.compile(r'scriptFormat="groovy".*?<script>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</script>', re.DOTALL)


def test_the_scripts_of_the_articles_app_are_all_supported() -> None:
    app = SHARED / "data" / "Async Demo App.zip"
    if not app.exists():
        pytest.skip("the article's app is not beside this repository")
    with zipfile.ZipFile(app) as archive:
        models = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".bpmn")]
    scripts = [script for model in models for script in _SCRIPT.findall(model)]
    assert len(scripts) >= 5
    for script in scripts:
        check("groovy", script)
