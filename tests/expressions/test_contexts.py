"""Plain scripts share a context and cannot tell: nothing of one reaches the next, and each does what it does in a context of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from engine.errors import ScriptError
from engine.expressions import contexts, scripts
from engine.expressions.contexts import Limits, global_names, run_plain
from engine.expressions.plain import is_plain

LIMITS = Limits(cpu_seconds=600)  # no script here takes so long, on any machine
OFFERED = json.dumps({"variables": {"n": ["value", 3]}, "scopes": {"execution": {"id": "e1"}}, "limits": {"sleep": 1000, "printed": 1000}})

PLAIN = [
    "var loud = name.toUpperCase();",
    'execution.setVariable("message", "Hello " + name);',
    "var sum = 0; for (var i = 0; i < items.length; i++) { sum += items[i].price * items[i].count; } total = sum; sum",
    "items.map(function (i) { return i.price }).filter(p => p > 1).reduce((a, b) => a + b, 0)",
    "let s = {}; for (const i of items) { s[i.name] = (s[i.name] || 0) + i.count; } execution.setVariable('s', s); s",
    "let counts = {}; for (const w of ['toString', 'a', 'constructor', 'push', 'a']) counts[w] = (counts.hasOwnProperty(w) ? counts[w] : 0) + 1; counts",
    "function double(x) { return x * 2 } double(n) / 2",
    "if (n > 2) { execution.setVariable('big', true) } else { execution.removeVariable('n') }",
    "execution.removeVariable('n'); n = 4; typeof n",
    "print('a', n); console.log({b: [n]}); println(null)",
    "Math.max(n, 7) % 4 + parseInt('12', 10) - Number('0.5')",
    "JSON.stringify({a: JSON.parse('[1]'), k: Object.keys({x: 1, y: 2}), s: String(n)})",
    "new Date(0).getTime() + new Date(2020, 0, 1).getFullYear()",
    "execution.setVariable('later', new Date(1500)); execution.setVariableLocal('l', n); execution.setTransientVariable('t', [n])",
    "x = 1; var y = {z: x}; execution.getVariable('missing') === null && execution.hasVariable('n')",
    "switch (n) { case 3: 'three'; break; default: 'other' }",
    "var m = new Map(); m.set('a', n); var t = new Set([n, n]); m",
    "n > 2 ? 'yes' : undefined",
    "var a = {}; a.toString = function () { return 'mine' }; a.valueOf = 1; '' + Object.keys(a)",
    "var text = ''; do { text += n-- } while (n > 0); text",
    "0.1 + 0.2",
    "(n + 1) / 2 + [4][0] / 2 / 1",
    "1 / n // divided",
    "/* a comment ` */ 'it\\'s' + \"\\\"\"",
    "execution.getVariables()",
    "execution.setVariables({a: 1, b: 'x'}); execution.getVariableNames()",
]  # fmt: skip

GROOVY = [
    "def total = 0; for (i in items) { total += i.price * i.count }; execution.setVariable('total', total)",
    'println "Hello ${name}"',
    "found = items.findAll { it.price > 1 }.collect { it.name }.join(', ')",
    "if (n > 2) { execution.setVariable('big', n / 2 + 1) }; return n ?: 0",
    "def twice = { x -> x * 2 }; [a: twice(n), b: [1, 2] + 3]",
]

NOT_PLAIN = [
    "this.x = 1", "eval('1')", "new Function('1')", "globalThis.x = 1", "x['constructor'] && x.constructor", "Array.prototype.x = 1",
    "a.__proto__ = b", "`${n}`", "Object.defineProperty(a, 'b', {})", "Object.getPrototypeOf(a)", "Date = 5", "var Math = 1", "Math++",
    "[Date] = [1]", "function print() {}", "(function () { arguments[0] })(1)", "async () => 1", "throw 'x'", "try { f() } catch (e) {}",
    "Promise.resolve(1)", "Reflect.ownKeys(a)", "/a'/.test(b)", "return_ = /x/", "\\u0065val('1')", "a <!-- b", "function* g() {}",
    "new.target", "class A {}", "delete a.b", "with (a) {}", "Error.stackTraceLimit = 1", "import('x')", "n = ü", "1..constructor",
    "f(/*", "'open", "x = Date", "print = 1", "if (n) /x'/.test(n)", "for (;;) /x/", "return / 2",
]  # fmt: skip

EVIL = [
    "globalThis.left = 1", "left = 1", "var left = 1", "function left() {}", "Object.prototype.left = 1", "Array.prototype.left = 1",
    "String.prototype.left = 1", "Math.left = 1", "Math.max = () => 42", "JSON.stringify = () => 'x'", "print.left = 1", "console.left = 1",
    "console.log = null", "Array.prototype.push = () => 42", "Error.prepareStackTrace = () => 42", "Error.stackTraceLimit = 0",
    "globalThis[Symbol('left')] = 1", "Object.setPrototypeOf(globalThis, {left: 1})", "globalThis.__proto__ = {left: 1}",
    "Object.defineProperty(globalThis, 'left', {value: 1, configurable: false})", "delete globalThis.Math", "Math = 1", "parseInt = null",
    "(function* () {}).constructor.prototype.left = 1", "(async function () {}).constructor.prototype.left = 1",
    "[][Symbol.iterator]().__proto__.left = 1", "Object.getPrototypeOf(Uint8Array).left = 1", "Date.now = () => 42", "Date.left = 1",
    "new Date().constructor.left = 1", "BpmnError.prototype.left = 1", "Java.type = null", "Thread.left = 1", "System.out.left = 1",
    "execution.setVariable.left = 1", "Function.prototype.call = () => 42", "Map.prototype.get = () => 42", "RegExp.prototype.exec = () => null",
    "Symbol.iterator.description.left = 1", "Object.freeze = (x) => x", "Object.prototype.toString = () => 'left'",
    "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').set.call(Array.prototype, 1)",
    "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').set.call(globalThis, 1)", "Promise.resolve().then(() => { left = 1 })",
    "undefined = 1", "execution = 1", "Object.defineProperty(globalThis, 'print', {value: 1})", "Number.prototype.toFixed = null",
]  # fmt: skip

# What a script can reach by whatever way, that is not frozen or could be given something to keep.
PROBE = """
(function () {
  var open = [], seen = new Set([globalThis]), setters = new Set();
  function reach(value, path) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
    seen.add(value);
    if (!Object.isFrozen(value)) open.push(path);
    walk(value, path);
  }
  function walk(value, path) {
    reach(Object.getPrototypeOf(value), path + '.[proto]');
    for (var key of Reflect.ownKeys(value)) {
      if (value === globalThis && (key === 'n' || key === 'execution')) continue;
      var found = Object.getOwnPropertyDescriptor(value, key);
      if (found.configurable || found.writable) open.push(path + '.' + key.toString());
      reach(found.value, path + '.' + key.toString()); reach(found.get, path + '.get ' + key.toString()); reach(found.set, path + '.set ' + key.toString());
      if (found.get && !found.set) reach(value === globalThis ? value[key] : null, path + '.' + key.toString());
    }
  }
  walk(globalThis, '');
  var seeds = [function* () {}, async function () {}, async function* () {}, () => 1, [], {}, /x/, new Date(), new Error('x'), 1n, 'x', Symbol(),
    Object.getPrototypeOf((function* () {})()), [].values(), new Map().entries(), new Set().values(), ''.matchAll(/x/g), [].values().map((x) => x), new Uint8Array(1),
    Promise.resolve(1), new WeakMap(), new WeakSet(), new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), Iterator.from({ next() {} }),
    new Proxy({}, {}), class {}];
  for (var seed of seeds) { reach(Object.getPrototypeOf(seed), 'of a ' + typeof seed); reach(seed.constructor, 'constructor of a ' + typeof seed); }
  for (var name of Object.getOwnPropertyNames(execution)) if (typeof execution[name] === 'function' && name !== 'getId') reach(execution[name], name);
  return open;
})()
"""


@pytest.fixture(autouse=True)
def _own_context(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(contexts, "WORTH", 1)
    contexts._kept.contexts.clear()
    yield
    contexts._kept.contexts.clear()


def run(source: str, offered: str = OFFERED) -> dict[str, Any]:
    told = run_plain("\n" + source, offered, LIMITS)
    assert told is not None, source
    return told


@pytest.mark.parametrize(("language", "source"), [("javascript", source) for source in PLAIN] + [("groovy", source) for source in GROOVY])
def test_a_plain_script_does_among_others_what_it_does_alone(language: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"name": "john", "n": 3, "items": [{"name": "a", "price": 2.5, "count": 2}, {"name": "b", "price": 1, "count": 1}]}

    def done() -> scripts.Outcome:
        return scripts.run(language, source, variables, facts={"processInstanceId": "p1"}, limits=LIMITS)

    shared = [done(), done()]
    assert [context.left for context in contexts._kept.contexts.values()] == [contexts.RUNS - 2]
    monkeypatch.setattr(scripts, "is_plain", lambda *_: False)
    assert shared == [done()] * 2


@pytest.mark.parametrize("source", NOT_PLAIN)
def test_what_could_see_a_difference_is_not_plain(source: str) -> None:
    assert not is_plain(source, global_names())


@pytest.mark.parametrize("library", ["", scripts._GROOVY.library])
def test_whatever_a_script_reaches_is_frozen(library: str) -> None:
    told = run_plain("\n" + PROBE, OFFERED, LIMITS, library)
    assert told is not None
    assert told["value"] == ["value", []]


@pytest.mark.parametrize("source", EVIL)
def test_even_what_is_not_plain_leaves_nothing_behind(source: str) -> None:
    tell = (
        "[typeof left, [].left, ''.left, Math.left, print.left, console.left, typeof console.log, [1].push(2), Math.max(1, 2), typeof parseInt,"
        "JSON.stringify([1]), (function* () {}).left, (async () => 1).left, new Date().left, typeof Date.now(), String({}), new Error('x').stack.length > 0,"
        "(1).toFixed(1), typeof execution, typeof Thread.left, String(Object.getPrototypeOf(globalThis) === Object.prototype),"
        "Object.getOwnPropertySymbols(globalThis).length, Object.isFrozen(Array.prototype), n]"
    )
    untouched = run(tell)
    run_plain("\n" + source, OFFERED, LIMITS)
    assert run(tell) == untouched


def test_a_failure_is_told_by_a_context_of_its_own() -> None:
    with pytest.raises(ScriptError, match="missing is not defined") as failed:
        scripts.run("javascript", "var a = 1;\n\na + missing", {}, limits=LIMITS)
    assert failed.value.line == 3
    assert not contexts._kept.contexts


def test_an_endless_plain_script_is_ended_once() -> None:
    with pytest.raises(ScriptError, match=r"ran longer than 0\.2 seconds"):
        scripts.run("javascript", "while (1 < 2) { }", {}, limits=Limits(cpu_seconds=0.2))
    assert scripts.run("javascript", "1 + 1", {}, limits=LIMITS).value == 2


def test_variables_with_names_of_the_sandbox_get_a_context_of_their_own() -> None:
    assert scripts.run("javascript", "print + 1", {"print": 1}, limits=LIMITS).value == 2
    assert not contexts._kept.contexts


def test_other_limits_and_other_threads_get_another_context() -> None:
    def kept() -> Any:
        scripts.run("javascript", "1 + 1", {}, limits=LIMITS)
        return contexts._kept.contexts[""]

    first, found = kept(), []
    assert kept() is first
    scripts.run("javascript", "1 + 1", {}, limits=Limits(cpu_seconds=601))
    assert contexts._kept.contexts[""] is not first
    thread = threading.Thread(target=lambda: found.append(kept() is first))
    thread.start()
    thread.join()
    assert found == [False]


def test_a_thread_gets_a_context_once_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "WORTH", 3)
    kept = []
    for source in ("1", "1", "1", "1", "missing", "1", "1", "1"):
        with suppress(ScriptError):
            scripts.run("javascript", source, {}, limits=LIMITS)
        kept.append("" in contexts._kept.contexts)
    assert kept == [False, False, True, True, False, False, False, True]


def test_a_context_is_given_up_after_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "RUNS", 2)
    seen = []
    for _ in range(3):
        scripts.run("javascript", "1 + 1", {}, limits=LIMITS)
        seen.append(contexts._kept.contexts[""])
    assert seen[0] is seen[1] is not seen[2]
