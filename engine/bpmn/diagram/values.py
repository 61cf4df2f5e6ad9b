"""What a picture is made of: frozen values in the file's own coordinates (pixels, y downwards).
Nothing here knows XML or SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Point = tuple[float, float]

FONT_SIZE = 12.0  # pixels

EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "implicitThrowEvent"})
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway"})
SUB_PROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess", "subChoreography"})
ACTIVITIES = SUB_PROCESSES | {
    "task",
    "userTask",
    "serviceTask",
    "scriptTask",
    "manualTask",
    "businessRuleTask",
    "sendTask",
    "receiveTask",
    "callActivity",
    "choreographyTask",
    "callChoreography",
}
DATA = frozenset({"dataObjectReference", "dataObject", "dataInput", "dataOutput", "dataStoreReference", "dataStore"})
POOLS = frozenset({"participant", "lane"})
LABELLED_OUTSIDE = EVENTS | GATEWAYS | DATA | {"message", "conversation", "callConversation", "subConversation"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rectangle with its sides parallel to the axes."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def cx(self) -> float:
        return self.x + self.width / 2

    @property
    def cy(self) -> float:
        return self.y + self.height / 2

    def overlaps(self, other: Bounds) -> bool:
        """Whether the two share more than a border."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def contains(self, other: Bounds) -> bool:
        return self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom

    def moved(self, dx: float, dy: float) -> Bounds:
        return Bounds(self.x + dx, self.y + dy, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Shape:
    """One drawn node, pool, lane or artifact; `kind` is the local name of its BPMN element."""

    element: str
    kind: str
    bounds: Bounds
    name: str = ""
    label: Bounds | None = None  # where the name stands if that is outside; None: nobody has said
    font: float = FONT_SIZE
    icon: str = ""  # the kind of event, gateway or task whose sign is drawn
    markers: tuple[str, ...] = ()  # loop, parallel, sequential, compensation, adhoc, collapsed, collection
    host: str = ""  # the activity on whose border a boundary event sits
    throwing: bool = False
    interrupting: bool = True
    expanded: bool = False
    event_sub_process: bool = False
    horizontal: bool = True  # pools and lanes: the name stands at the left, rotated
    band: str = ""  # "name": a pool with a strip for its name; "top" ...: a participant of a choreography task


@dataclass(frozen=True, slots=True)
class Edge:
    """One drawn connection: sequence flow, message flow, (data) association, conversation link."""

    element: str
    kind: str
    points: tuple[Point, ...]
    name: str = ""
    label: Bounds | None = None
    font: float = FONT_SIZE
    source: str = ""
    target: str = ""
    default: bool = False
    conditional: bool = False
    direction: str = "one"  # of an association: none, one, both
    message: str = ""  # "initiating" or "non_initiating" if the message's envelope is shown


@dataclass(frozen=True, slots=True)
class Plane:
    """One page: of a collaboration, a process, or a sub-process that is collapsed elsewhere."""

    element: str
    name: str
    shapes: tuple[Shape, ...] = ()
    edges: tuple[Edge, ...] = ()
    processes: tuple[str, ...] = ()  # ids of the processes it shows


@dataclass(frozen=True, slots=True)
class Drawing:
    """All pages of a file, the main one first; `parents` maps an element to the process or sub-process it stands in."""

    planes: tuple[Plane, ...]
    name: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)

    def plane_of(self, process: str) -> int:
        """The index of the page that shows the process (or sub-process) with this id; 0 if none does."""
        own = (i for i, plane in enumerate(self.planes) if plane.element == process)
        shown = (i for i, plane in enumerate(self.planes) if process in plane.processes)
        return next(own, next(shown, 0))
