"""What of Java a Groovy script may name; all of it is made in groovy.js and surroundings.js, so no script reaches beyond its sandbox."""

from __future__ import annotations

from collections.abc import Sequence

from engine.expressions.groovy_tokens import unsupported

# Classes whose objects `new` makes, besides exceptions.
_CLASSES = frozenset({
    "Date", "Random", "ArrayList", "LinkedList", "HashMap", "LinkedHashMap", "TreeMap", "BigDecimal", "BigInteger", "Integer",
    "Long", "Double", "String", "Object", "BpmnError",
})  # fmt: skip
_STATICS = {
    "System": {"out", "currentTimeMillis"}, "Thread": {"sleep"}, "UUID": {"randomUUID"}, "Objects": {"equals", "isNull", "nonNull"},
    "Math": {"abs", "ceil", "floor", "max", "min", "pow", "random", "round", "sqrt", "log", "exp", "signum", "PI", "E"},
    "Integer": {"parseInt", "valueOf", "toString", "MAX_VALUE", "MIN_VALUE"}, "Long": {"parseLong", "valueOf", "toString", "MAX_VALUE"},
    "Double": {"parseDouble", "valueOf", "toString"}, "Float": {"parseFloat", "valueOf"},
    "Boolean": {"parseBoolean", "valueOf", "TRUE", "FALSE"}, "BigDecimal": {"valueOf", "ZERO", "ONE", "TEN"}, "String": {"valueOf", "join"},
}  # fmt: skip
_IMPORTABLE = _CLASSES | _STATICS.keys() | {"List", "Map"}
_PACKAGES = frozenset({"java", "javax", "groovy", "org", "com"})
CASTS = frozenset({
    "int", "Integer", "long", "Long", "short", "double", "Double", "float", "Float", "BigDecimal", "BigInteger", "String",
    "boolean", "Boolean", "List", "Object",
})  # fmt: skip
KINDS = frozenset({
    "String", "CharSequence", "List", "Collection", "Map", "Date", "Number", "Integer", "Long", "Double", "BigDecimal", "Boolean",
    "Object",
})  # fmt: skip


def _constructible(name: str) -> bool:
    return name in _CLASSES or (name.endswith(("Exception", "Error")) and name.isidentifier())


def check_new(name: str, line: int | None) -> None:
    """ScriptError unless `new name()` is one of the few classes, or an exception."""
    if not _constructible(name):
        raise unsupported(f"'new {name}'", line)


def check_import(parts: Sequence[str], line: int | None) -> None:
    """ScriptError unless what is imported is known anyway; an import changes nothing."""
    if not (_constructible(parts[-1]) or parts[-1] in _IMPORTABLE or ".".join(parts) in ("java.util.*", "java.math.*", "java.lang.*")):
        raise unsupported(f"import of {'.'.join(parts)}", line)


def check_reach(base: str, words: Sequence[str], line: int | None) -> None:
    """ScriptError for what only a Java machine could answer: packages, classes of objects, unknown static methods. `base` may be empty."""
    if base in _PACKAGES:
        raise unsupported(".".join([base, *words]), line)
    if words and base in _STATICS and words[0] not in _STATICS[base]:
        raise unsupported(f"{base}.{words[0]}", line)
    for word in words:
        if word in ("class", "metaClass", "getClass", "execute"):
            raise unsupported(f"'.{word}'", line)
