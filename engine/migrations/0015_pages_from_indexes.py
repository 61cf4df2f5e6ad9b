"""Three indexes hold a little more, so that pages of long lists are found in them alone; a small one holds what was undone.

Each is built anew beside the one that it replaces, without keeping anybody from writing (PostgreSQL: CONCURRENTLY, hence no
transaction); until it is there, the old one serves. What an interrupted run left behind is taken away by the next.
"""

from functools import partial

from django.db import migrations, models

from engine.migrations import _indexes

BEFORE = {
    "activity": models.Index(fields=["instance", "number"], name="towpath_activity_order"),
    "ledger": models.Index(fields=["at"], name="towpath_ledger_at"),
    "variable": models.Index(fields=["instance", "name"], include=("token", "task", "type"), name="towpath_variable_instance"),
}
AFTER = {
    "activity": models.Index(fields=["instance", "number"], include=("started", "id"), name="towpath_activity_order"),
    "ledger": models.Index(fields=["at", "id"], include=("outcome", "trigger"), name="towpath_ledger_at"),
    "variable": models.Index(fields=["instance", "name"], include=("token", "task", "type", "id"), name="towpath_variable_instance"),
}
UNDONE = models.Index(fields=["at", "id"], name="towpath_ledger_undone", condition=~models.Q(outcome="committed"))  # few


def replace(wanted, apps, schema_editor):
    for name, index in wanted.items():
        _indexes.replace(schema_editor, apps.get_model("towpath", name), index)


def add(apps, schema_editor):
    _indexes.make(schema_editor, apps.get_model("towpath", "ledger"), UNDONE)


def drop(apps, schema_editor):
    schema_editor.remove_index(apps.get_model("towpath", "ledger"), UNDONE)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("towpath", "0014_what_the_planner_knows"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(partial(replace, AFTER), partial(replace, BEFORE)), migrations.RunPython(add, drop)],
            [
                *(
                    operation
                    for name, index in AFTER.items()
                    for operation in (migrations.RemoveIndex(name, index.name), migrations.AddIndex(name, index))
                ),
                migrations.AddIndex("ledger", UNDONE),
            ],
        ),
    ]
