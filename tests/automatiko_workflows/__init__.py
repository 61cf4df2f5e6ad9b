"""The workflows of a recording of a real Automatiko service, modelled for Towpath; `python -m tests.automatiko_workflows` deploys them."""

from pathlib import Path

FILES = sorted(Path(__file__).parent.glob("*.bpmn"), key=lambda path: (path.stem == "scripts", path.name))  # `scripts` after its versions
