"""What is gathered while one file is read: problems and warnings with their place, and every text that must be checked later."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.bpmn.limits import Limits
from engine.bpmn.parse_xml import Element
from engine.errors import DeploymentError, Problem

MOST_PROBLEMS = 200  # of one file; more help nobody


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the file with its place.

    `language`: that of a script; `time`: a literal `due`, `cycle` or `retry`; neither: an expression, which if `lenient` may be wrong.
    """

    source: str
    at: Element
    line: int
    language: str | None = None
    time: str | None = None
    lenient: bool = False


@dataclass(slots=True)
class Reading:
    """The notes of one reading; `refs` finds the file's messages, signals, errors, escalations and items by id."""

    file: str
    limits: Limits
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    refs: dict[str, dict[str, Element]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)  # the ids that were given here to elements without one

    def problem(self, message: str, at: Element | None = None, line: int | None = None) -> None:
        """Note something for which the file will be refused."""
        self.problems.append(self._note(message, at, line))

    def warn(self, message: str, at: Element | None = None, line: int | None = None) -> None:
        """Note something that the deployer should know."""
        self.warnings.append(self._note(message, at, line))

    def _note(self, message: str, at: Element | None, line: int | None) -> Problem:
        return Problem(message, at.owner if at else None, line or (at.line if at else None), self.file or None)

    def refuse_if_wrong(self) -> None:
        """Raise DeploymentError with all problems, by line, if there are any."""
        if self.problems:
            raise DeploymentError(by_line(self.problems)[:MOST_PROBLEMS])

    def expression(self, text: str | None, at: Element, *, lenient: bool = False) -> str | None:
        """Remember a text that may hold expressions, to be parsed once; gives it back, None for an empty one."""
        if not text:
            return None
        if self._is_expression(text):
            self.texts.append(Text(text, at, at.line, lenient=lenient))
        return text

    def attribute(self, at: Element, name: str, *, lenient: bool = False) -> str | None:
        """An extension attribute whose text may be an expression."""
        return self.expression(at.extended.get(name), at, lenient=lenient)

    def content(self, at: Element | None) -> str | None:
        """The stripped text of an element, which may be an expression."""
        return self.expression(at.text.strip(), at) if at is not None else None

    def time(self, kind: str, text: str | None, at: Element) -> str | None:
        """Remember a text that says when (`due`, `cycle`, `retry`); one with expressions can be judged only as such."""
        if text and not self._is_expression(text):
            self.texts.append(Text(text, at, at.line, time=kind))
            return text
        return self.expression(text, at)

    @staticmethod
    def _is_expression(text: str) -> bool:
        return "${" in text or "#{" in text

    def script(self, language: str, at: Element) -> str:
        """Remember a script, to be checked in its language; gives its source."""
        self.texts.append(Text(at.text, at, at.text_line, language=language.strip().lower()))
        return at.text

    def flag(self, at: Element, name: str, default: bool = False, *, own: bool = False) -> bool:
        """A boolean attribute (`own`: of BPMN itself); anything but true or false is a problem."""
        text = (at.attributes if own else at.extended).get(name)
        if text is None or not text.strip():
            return default
        said = text.strip().lower()
        if said not in FLAGS:
            self.problem(f"{name} must be true or false, not '{text[:50]}'", at)
        return FLAGS.get(said, default)

    def ref(self, kind: str, name: str | None) -> Element | None:
        """The message, signal, error, escalation or item that a reference means; its prefix does not matter."""
        found = self.refs.get(kind, {})
        return found.get(name) or found.get(name.rpartition(":")[2]) if name else None


FLAGS = {"true": True, "1": True, "false": False, "0": False}


def by_line(problems: list[Problem]) -> list[Problem]:
    """The same problems in the order of the file, each said once."""
    return sorted(dict.fromkeys(problems), key=lambda p: p.line or 0)
