from __future__ import annotations
def rested(units): return []
