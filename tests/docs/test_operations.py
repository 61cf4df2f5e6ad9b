"""`docs/operations.md` says the truth: its commands, settings, units, metrics and rules exist, and do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from configparser import ConfigParser
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, get_commands, load_command_class
from prometheus_client.parser import text_string_to_metric_families

from engine.conf import settings as conf
from engine.conf import table
from engine.management.commands import workflow_status
from engine.runtime import metrics
from tests.docs import pages

PAGE = "operations.md"
TEXT = pages.text(PAGE)
COMMAND = re.compile(r"manage\.py ((?:workflow_\w+|migrate|collectstatic|qcluster)[^`\n]*)")


def units() -> dict[str, Any]:
    """The systemd units by name."""
    found = {}
    for name, content in pages.blocks(PAGE, "ini"):
        parser = ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(content)
        found[name] = parser["Service"]
    return found


def test_every_command_exists_and_takes_its_options() -> None:
    found = [line.split(" and ")[0].split() for line in COMMAND.findall(TEXT)]
    assert {words[0] for words in found} >= {"workflow_cluster", "workflow_status", "workflow_cleanup", "qcluster", "migrate"}
    for name, *options in found:
        command = load_command_class(get_commands()[name], name)
        try:
            command.create_parser("manage.py", name).parse_args(options)  # type: ignore[union-attr]
        except CommandError as error:
            pytest.fail(f"manage.py {name} {options}: {error}")


def test_every_setting_exists() -> None:
    known = {f"ENGINE_{row.name}" for row in table()}
    assert set(re.findall(r"ENGINE_[A-Z_]+", TEXT)) <= known


def test_the_units_give_running_jobs_their_time() -> None:
    found = units()
    assert set(found) == {"towpath-web.service", "towpath-cluster.service"}
    for unit in found.values():
        assert unit["KillMode"] == "mixed"
        assert int(unit["TimeoutStopSec"]) > conf.STOP_TIMEOUT
        assert unit["Restart"] == "always"


def test_the_web_unit_is_understood_by_the_server() -> None:
    words = units()["towpath-web.service"]["ExecStart"].split()[1:]
    known = subprocess.run([sys.executable, "-m", "granian", "--help"], capture_output=True, text=True, check=True).stdout
    assert [word for word in words if word.startswith("--") and word not in known] == []
    assert words[-1] == "workflow_site.wsgi:application"


@pytest.mark.django_db
def test_the_metrics_are_exactly_those_of_the_table_with_their_labels() -> None:
    told = {
        name: set(re.findall(r"`(\w+)`", labels)) for name, labels in re.findall(r"^\| `(towpath_\w+)` \|([^|]*)\|", TEXT, re.MULTILINE)
    }
    metrics.collector.forget()
    text = metrics.exposition()[0].decode()
    found = {f.name: {label for sample in f.samples for label in sample.labels} for f in text_string_to_metric_families(text)}
    found["towpath_instances_running"] = {"definition"}  # nothing is deployed here, so it has no sample
    assert found == told


def test_the_alerts_ask_for_what_there_is() -> None:
    blocks = {name: yaml.safe_load(content) for name, content in pages.blocks(PAGE, "yaml")}
    assert blocks["prometheus.yml"]["scrape_configs"][0]["authorization"]["credentials"]
    rules = blocks["towpath.rules.yml"]["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"towpath_\w+", rule["expr"])}
    told = set(re.findall(r"^\| `(towpath_\w+)`", TEXT, re.MULTILINE))
    assert asked
    assert asked <= told


def test_the_exit_codes_of_workflow_status_are_those_of_the_page() -> None:
    assert (workflow_status.WELL, workflow_status.NO_WORKER, workflow_status.OVERDUE) == (0, 1, 2)
    told = " ".join(TEXT.split())
    assert "ends with 0 if all is well, with 1 if no worker is alive, and with 2 if a job has been due for more than 60 s" in told


@pytest.mark.parametrize(("notify", "prepares"), [("on", True), ("off", False)])
def test_one_switch_does_without_listening_and_prepared_statements(notify: str, prepares: bool) -> None:
    told = {**os.environ, "ENV_FILE": "", "DATABASE_URL": "postgresql://u@h/d", "ENGINE_NOTIFY": notify, "SECRET_KEY": "s" * 60}
    code = (
        "from workflow_site import settings as s; print('prepare_threshold' in s.DATABASES['default'].get('OPTIONS', {}), s.ENGINE_NOTIFY)"
    )
    said = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(prepares), str(notify == "on")]


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in sorted(path.name for path in pages.DOCS.glob("*.md")):
        for target, anchor in re.findall(r"\]\(([\w.-]*\.md)?(?:#([\w-]+))?\)", pages.text(page)):
            headings = re.findall(r"^#+ (.+)$", pages.text(target or page), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
            assert not anchor or anchor in anchors, f"{page}: {target}#{anchor}"
