"""XML as a small tree that knows its lines. One pass of expat, which refuses a DTD before it is read (so no entity is ever
defined, nothing is fetched) and stops at the limits. The namespaces flowable, activiti and camunda are read alike from here on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from engine.bpmn.elements import ELEMENTS
from engine.bpmn.limits import Limits
from engine.errors import DeploymentError, Problem

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
EXTENSIONS = {
    "http://flowable.org/bpmn": "flowable",
    "http://activiti.org/bpmn": "activiti",
    "http://camunda.org/schema/1.0/bpmn": "camunda",
}
_ALIASES = {  # other names of one thing, in any of the three namespaces
    "asyncBefore": "async",
    "asyncAfter": "asyncLeave",
    "resultVariableName": "resultVariable",
}


@dataclass(slots=True, eq=False)
class Element:
    """An element: `space` is `bpmn`, `flowable`, `activiti`, `camunda` or a foreign namespace; `extended` has extension attributes."""

    space: str
    name: str
    line: int
    parent: Element | None
    attributes: dict[str, str]
    extended: dict[str, str]
    prefixes: dict[str, str]  # extension attribute -> the prefix it was written with
    children: list[Element] = field(default_factory=list)
    text: str = ""
    text_line: int = 0

    @property
    def id(self) -> str | None:
        return self.attributes.get("id")

    @property
    def owner(self) -> str | None:
        """The id of the element, or of the nearest one around it that has one."""
        here: Element | None = self
        while here is not None and not (here.space == "bpmn" and here.id):
            here = here.parent
        return here.id if here else None

    @property
    def extension(self) -> bool:
        """Whether it is an element of Flowable, Activiti or Camunda."""
        return self.space in PREFIXES

    def all(self, name: str) -> Iterator[Element]:
        """The BPMN elements of a name directly inside."""
        return (c for c in self.children if c.name == name and c.space == "bpmn")

    def child(self, name: str) -> Element | None:
        """The first BPMN element of a name directly inside."""
        return next(self.all(name), None)

    def extensions(self, name: str) -> Iterator[Element]:
        """The extension elements of a name: in `extensionElements`, or directly inside an extension element."""
        places = [self] if self.extension else list(self.all("extensionElements"))
        return (c for place in places for c in place.children if c.name == name and c.extension)

    def value(self, name: str) -> str | None:
        """An attribute of an extension element, written with a prefix or without."""
        return self.attributes.get(name, self.extended.get(name))


PREFIXES = frozenset(EXTENSIONS.values())


_NAMES = frozenset({"id", "default", "calledElement"})


class _Refused(Exception):
    """A rule about XML itself is broken; the message says which."""


def tree(xml: bytes, file: str, limits: Limits) -> Element:
    """The root element; raises DeploymentError if this is not XML, has a DTD, or is too large, too deep or too full."""
    if len(xml) > limits.xml_size:
        raise _refusal(f"the file is too large: {len(xml)} bytes, {limits.xml_size} are allowed", file, None)
    builder = _Builder(limits)
    try:
        builder.parser.Parse(xml, True)
    except _Refused as refused:
        raise _refusal(str(refused), file, builder.parser.CurrentLineNumber) from None
    except expat.ExpatError as error:
        raise _refusal(f"not well-formed XML: {expat.ErrorString(error.code)}", file, error.lineno) from None
    except (LookupError, ValueError) as error:
        raise _refusal(f"the encoding of the file cannot be read: {error}", file, 1) from None
    assert builder.root is not None  # expat refuses a document without an element
    return builder.root


def _refusal(message: str, file: str, line: int | None) -> DeploymentError:
    return DeploymentError([Problem(message, None, line, file or None)])


class _Builder:
    """The handlers that expat calls, and the tree they grow."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.root: Element | None = None
        self.open: list[Element] = []
        self.count = 0
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text, parser.buffer_size = True, 65_536
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise _Refused("a DOCTYPE is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > self.limits.xml_elements:
            raise _Refused(f"too many elements: {self.limits.xml_elements} are allowed")
        if len(self.open) >= self.limits.xml_depth:
            raise _Refused(f"nested too deeply: {self.limits.xml_depth} levels are allowed")
        space, _, local = name.rpartition(" ")
        parent = self.open[-1] if self.open else None
        own, extended, prefixes = _split(attributes, space == BPMN)
        element = Element(_space(space, local, parent), local, self.parser.CurrentLineNumber, parent, own, extended, prefixes)
        if parent is None:
            self.root = element
        else:
            parent.children.append(element)
        self.open.append(element)

    def _end(self, _: str) -> None:
        self.open.pop()

    def _text(self, data: str) -> None:
        element = self.open[-1]
        if element.children and data.isspace():
            return
        if not element.text:
            element.text_line = self.parser.CurrentLineNumber - data.count("\n")
        element.text += data
        if len(element.text) > self.limits.text_length:
            raise _Refused(f"a text is too long: {self.limits.text_length} characters are allowed")


def _space(uri: str, name: str, parent: Element | None) -> str:
    """What is written without a prefix inside an extension element, and is not BPMN's, belongs to it (as Flowable reads `<variable>`)."""
    if parent is not None and parent.extension and uri in (BPMN, "") and name not in ELEMENTS:
        return parent.space
    return "bpmn" if uri == BPMN else EXTENSIONS.get(uri, uri)


def _split(attributes: dict[str, str], bpmn: bool) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Own attributes, extension attributes by their one name, and the prefix of each; foreign ones are nobody's affair.

    Ids and references of BPMN lose the blanks around them, as XML's own types do.
    """
    own: dict[str, str] = {}
    extended: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for name, text in attributes.items():
        uri, _, local = name.rpartition(" ")
        if not uri:
            own[local] = text.strip() if bpmn and (local in _NAMES or local.endswith("Ref")) else text
        elif prefix := EXTENSIONS.get(uri):
            local = _ALIASES.get(local, local)
            extended.setdefault(local, text)
            prefixes.setdefault(local, prefix)
    return own, extended, prefixes
