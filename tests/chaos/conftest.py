"""How long and with which faults: `./dev.py chaos --seconds 600 --rate 200 --kill-every 5 --seed 7`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, default=30, help="how long the storm of faults lasts")
    parser.addoption("--seed", type=int, default=1, help="which faults, in which order")
    parser.addoption("--rate", type=float, default=20, help="instances a second that the client starts")
    parser.addoption("--kill-every", type=float, default=5, help="seconds from one fault to the next")
    parser.addoption("--fault", action="append", help="only this fault, by the name of its method; may be given more than once")
