"""The signs of BPMN 2.0 as paths, drawn for this picture: events around the origin of a circle of radius 18, gateways around that
of a diamond of 50, tasks in a square of 18, markers around the origin of a square of 14."""

from __future__ import annotations

from math import cos, pi, sin

from engine.bpmn.diagram.svg import circle, path

# The part of an event's sign that is filled when it throws, and lines on it that are then inverted.
EVENT_BODIES = {
    "message": "M-9.5,-6.5H9.5V6.5H-9.5Z",
    "error": "M-9,8L-4,-8L2,2.5L8.5,-9L4,8.5L-2.5,-1.5Z",
    "escalation": "M0,-10L7.5,9L0,2L-7.5,9Z",
    "cancel": "M-8.5,-5.5L-5.5,-8.5L0,-3L5.5,-8.5L8.5,-5.5L3,0L8.5,5.5L5.5,8.5L0,3L-5.5,8.5L-8.5,5.5L-3,0Z",
    "compensation": "M-10,0L-1,-6.5V6.5ZM-1,0L8,-6.5V6.5Z",
    "signal": "M0,-10L9.5,6.5H-9.5Z",
    "link": "M-9.5,-3.5H1.5V-8L10,0L1.5,8V3.5H-9.5Z",
    "multiple": "M0,-10L9.5,-3L6,8H-6L-9.5,-3Z",
    "parallelMultiple": "M-3,-9.5H3V-3H9.5V3H3V9.5H-3V3H-9.5V-3H-3Z",
}
EVENT_LINES = {"message": "M-9.5,-6.5L0,1.5L9.5,-6.5"}
CLOCK = "M0,-10V-7.5M0,10V7.5M-10,0H-7.5M10,0H7.5M5,-8.7L4,-6.9M-5,8.7L-4,6.9M5,8.7L4,6.9M-5,-8.7L-4,-6.9M0.6,-6.5L0,0H5"
PAGE = "M-7,-9H7V9H-7ZM-4.5,-5.5H4.5M-4.5,-2H4.5M-4.5,1.5H4.5M-4.5,5H4.5"
PENTAGON = "M0,-7L6.7,-2.2L4.1,5.7H-4.1L-6.7,-2.2Z"
PLUS = "M-2,-6.5H2V-2H6.5V2H2V6.5H-2V2H-6.5V-2H-2Z"

GATEWAYS = {
    "exclusiveGateway": path("solid", "M-9,-10H-5.5L0,-2.6L5.5,-10H9L1.8,0L9,10H5.5L0,2.6L-5.5,10H-9L-1.8,0Z"),
    "parallelGateway": path("solid", "M-2,-12H2V-2H12V2H2V12H-2V2H-12V-2H-2Z"),
    "inclusiveGateway": circle("line bold", 10.5),
    "complexGateway": path("line bold", "M0,-12V12M-12,0H12M-8.5,-8.5L8.5,8.5M-8.5,8.5L8.5,-8.5"),
    "eventBasedGateway": circle("thin", 13) + circle("thin", 10.5) + path("thin", PENTAGON),
    "eventStartGateway": circle("thin", 12) + path("thin", PENTAGON),
    "parallelStartGateway": circle("thin", 12) + path("thin", PLUS),
}


def _gear(x: float, y: float, radius: float, teeth: int) -> str:
    """A cogwheel with a hole."""
    steps = [(i * pi / (2 * teeth), radius if i % 4 in (0, 1) else radius * 0.72) for i in range(4 * teeth)]
    points = (f"{x + r * cos(a - 0.2):.1f},{y + r * sin(a - 0.2):.1f}" for a, r in steps)
    hole = radius * 0.36
    arc = f"a{hole:.1f},{hole:.1f} 0 1 0"
    return f"M{'L'.join(points)}ZM{x + hole:.1f},{y:g}{arc} {-2 * hole:.1f},0{arc} {2 * hole:.1f},0Z"


ENVELOPE = "M1,3.5H18V15.5H1Z"
TASKS = {
    "userTask": path("thin", "M9.5,9.6A4.1,4.1 0 1 1 9.6,9.6M6.4,8.6Q2,10 2,14V17.5H17V14Q17,10 12.6,8.6M5.4,17.5V14M13.6,17.5V14"),
    "manualTask": path(
        "thin",
        "M2,9Q4,6.2 7,4.2L8.6,3Q10.6,2.4 9.6,4.6L8.4,6.2H16Q17.6,7 16,8.2H10.4M16,8.2H17.2Q18.6,9.2 17,10.4H10.4"
        "M17,10.4Q18,11.6 16.4,12.6H10.4M15.8,12.6Q16.4,14 15,14.8H5Q3,14.4 2,13Z",
    ),
    "serviceTask": path("thin", _gear(7.4, 7.4, 6.2, 8)) + path("thin scopeless", _gear(13.6, 13.6, 4.4, 8)),
    "scriptTask": path("thin", "M6,2H16Q11,6 14,10T13,17.5H3Q8,13.5 5,9.5T6,2ZM6.6,6H12M7.2,10H13M7.4,14H13"),
    "businessRuleTask": path("thin", "M1.5,3H17.5V16H1.5ZM1.5,11.5H17.5M7,7V16") + path("solid", "M1.5,3H17.5V7H1.5Z"),
    "sendTask": path("solid", ENVELOPE) + path("inverse", "M1.5,4L9.5,10.5L17.5,4"),
    "receiveTask": path("thin", f"{ENVELOPE}M1,3.5L9.5,10.5L18,3.5"),
}

MARKERS = {
    "loop": path("line", "M-1.5,6.2A6,6 0 1 1 3,5.2M-1.5,6.2L-6.5,6.4M-1.5,6.2L-2.4,1.4"),
    "parallel": path("line bold", "M-5,-6.5V6.5M0,-6.5V6.5M5,-6.5V6.5"),
    "sequential": path("line bold", "M-6.5,-5H6.5M-6.5,0H6.5M-6.5,5H6.5"),
    "compensation": path("thin", "M-7.5,0L0,-5.5V5.5ZM0,0L7.5,-5.5V5.5Z"),
    "adhoc": path("line bold", "M-7,2Q-3.5,-5 0,0T7,-2"),
    "collapsed": path("line", "M-7,-7H7V7H-7ZM-4,0H4M0,-4V4"),
    "collection": path("line bold", "M-4,-5V5M0,-5V5M4,-5V5"),
}

ARROW = "M0,2.5H7V0L12,5L7,10V7.5H0Z"  # on data that goes into a process or comes out of it

# In the round sign that marks a state without words.
GLYPHS = {
    "done": "M-3.4,0.2L-1,2.8L3.6,-2.8",
    "active": "M-1.8,-3.2L3.2,0L-1.8,3.2Z",
    "failed": "M0,-4V0.8M0,3.8V4",
    "waiting": "M0,-3.6V0.4L2.6,2",
}


def event(sign: str, throwing: bool) -> str:
    """The sign of an event, filled when it throws."""
    if sign == "timer":
        return circle("thin", 10.5) + path("thin", CLOCK)
    if sign == "conditional":
        return path("thin", PAGE)
    if sign == "terminate":
        return circle("solid", 10)
    body = path("solid" if throwing else "thin", EVENT_BODIES[sign]) if sign in EVENT_BODIES else ""
    lines = path("inverse" if throwing else "thin", EVENT_LINES[sign]) if sign in EVENT_LINES else ""
    return body + lines
