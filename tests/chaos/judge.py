"""The judge of a storm: looks at what the client was answered, at the effects that were seen, and at the rows, and asks the engine nothing."""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos.client import STEPS
from tests.chaos.server import Server
from tests.chaos.storm import Fault

SHORTLY = 4.0  # seconds
ALL_NUMBERS = """
SELECT i.id FROM towpath_instance i LEFT JOIN (
    SELECT instance_id, count(*) AS n, count(DISTINCT number) AS m, max(number) AS last
    FROM towpath_ledger WHERE outcome = 'committed' GROUP BY instance_id
) AS l ON l.instance_id = i.id WHERE (l.n, l.m, l.last) IS DISTINCT FROM (i.revision::bigint, i.revision::bigint, i.revision)
"""


@dataclass
class Verdict:
    """What was found; the lists name instances, and are empty where all is well."""

    answers: Counter[str]  # what the client was answered: 201, other statuses, broken connections
    ended: int
    dead: int  # instances with a dead letter
    repeated: int  # effects that were tried again, under the same idempotency key
    lost: list[str]  # answered 201, and neither ended nor a dead letter
    unfinished: list[str]  # nobody was told of them, and they are stuck
    doubled: list[str]  # an effect under two keys, or one that is missing
    torn: list[str]  # their committed ledger does not tell how they came to be where they are
    leased: list[str]  # jobs that are still somebody's
    faults: list[Fault]
    wanted: float  # how many instances should have been started
    quiet: float  # seconds from the last start until nothing was left to do
    silence: list[float] = field(default_factory=list)  # for each fault, the longest time after it in which no effect was seen

    @property
    def answered(self) -> int:
        return self.answers["201"]

    def slowest(self, what: str, name: str | None = None) -> float:
        """The longest time to recover, in seconds: `free` for jobs of who was struck, `silence` for effects at all."""
        of = self.silence if what == "silence" else [fault.free for fault in self.faults]
        return max((t for fault, t in zip(self.faults, of, strict=True) if t is not None and name in (None, fault.name)), default=0.0)

    def report(self) -> str:
        """All figures, for people."""
        others = ", ".join(f"{number} x {what}" for what, number in self.answers.most_common() if what != "201") or "none"
        lines = [
            f"offered {self.wanted:.0f}, sent {self.answers.total()}, answered 201 {self.answered}, otherwise: {others}",
            f"ended {self.ended}, dead letters {self.dead}, repeated under the same key {self.repeated}",
            f"lost {len(self.lost)}, stuck {len(self.unfinished)}, doubled {len(self.doubled)}, torn {len(self.torn)}",
        ]
        lines += [self.of(name) for name in sorted({fault.name for fault in self.faults})]
        return "\n".join([*lines, f"nothing left to do {self.quiet:.1f} s after the last start"])

    def of(self, name: str) -> str:
        """What one kind of fault did."""
        number, free, silence = sum(f.name == name for f in self.faults), self.slowest("free", name), self.slowest("silence", name)
        return f"{number:3} x {name:<16} no effects for {silence:4.1f} s, jobs of who was struck taken up after {free:4.1f} s"


def judge(server: Server, answers: list[str], traces: list[str], faults: list[Fault], wanted: float, quiet: float) -> Verdict:
    """Look at everything, when all is quiet."""
    told = [line.split() for line in answers]
    promised = {found for status, found, _ in told if status == "201"}
    states = {str(key): state for key, state in server.rows("SELECT id, state FROM towpath_instance")}
    dead = {str(key) for (key,) in server.rows("SELECT instance_id FROM towpath_job WHERE state = 'dead'")}
    ended = {key for key, state in states.items() if state == "completed"}
    effects, repeated, moments = _effects(traces)
    return Verdict(
        answers=Counter(status for status, _, _ in told),
        ended=len(ended),
        dead=len(dead),
        repeated=repeated,
        lost=sorted(promised - ended - dead),
        unfinished=sorted(set(states) - ended - dead - promised),
        doubled=[key for key in states if _wrong(len(effects[key]), key in ended)],
        torn=[str(key) for (key,) in server.rows(ALL_NUMBERS)],
        leased=[str(key) for (key,) in server.rows("SELECT id FROM towpath_job WHERE lease_owner IS NOT NULL")],
        faults=faults,
        wanted=wanted,
        quiet=quiet,
        silence=[_silence(moments, fault.at) for fault in faults],
    )


def _effects(traces: list[str]) -> tuple[dict[str, set[str]], int, list[float]]:
    """The keys under which each instance's effects were done, how many were done again, and when."""
    keys, done, moments = defaultdict[str, set[str]](set), 0, list[float]()
    for line in traces:
        what, key, instance, _, at = line.split()
        if what == "end":
            keys[instance].add(key)
            moments.append(float(at))
            done += 1
    return keys, done - sum(map(len, keys.values())), sorted(moments)


def _wrong(effects: int, ended: bool) -> bool:
    return effects != len(STEPS) if ended else effects > len(STEPS)


def _silence(moments: list[float], at: float) -> float:
    """The longest gap between effects that begins within some seconds of a moment."""
    seen = moments[max(0, bisect(moments, at) - 1) : bisect(moments, at + SHORTLY) + 1]
    return max((later - earlier for earlier, later in pairwise(seen)), default=0.0)
