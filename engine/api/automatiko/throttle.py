"""How often one client may call the service API; kept in each web process for itself."""

from __future__ import annotations

from engine.api.throttle import Throttle

calls = Throttle()
