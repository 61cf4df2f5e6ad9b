"""How long and with which faults: `./dev.py chaos --seconds 600 --seed 7`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, default=30, help="how long the storm of faults lasts")
    parser.addoption("--seed", type=int, default=1, help="which faults, in which order")
    parser.addoption("--rate", type=float, default=20, help="instances a second that the client starts")
