"""Three indexes hold a little more, so that pages of long lists are found in them alone; a small one holds what was undone.

Each is built anew beside the one that it replaces, without keeping anybody from writing (PostgreSQL: CONCURRENTLY, hence no
transaction); until it is there, the old one serves. What an interrupted run left behind is taken away by the next.
"""

from functools import partial

from django.db import migrations, models

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
        model = apps.get_model("towpath", name)
        if schema_editor.connection.vendor == "postgresql":
            _in_place(schema_editor, model, index)
        else:
            schema_editor.remove_index(model, index)
            schema_editor.add_index(model, index)


def _in_place(schema_editor, model, index):
    """`index` under another name, then in the place of one that there is."""
    name, new = index.name, index.clone()
    new.name = f"{name}_new"
    _made(schema_editor, model, new)
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    schema_editor.execute(f"ALTER INDEX {new.name} RENAME TO {name}")


def _made(schema_editor, model, index):
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
    schema_editor.execute(index.create_sql(model, schema_editor, concurrently=True), params=None)


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        _made(schema_editor, apps.get_model("towpath", "ledger"), UNDONE)
    else:
        schema_editor.add_index(apps.get_model("towpath", "ledger"), UNDONE)


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
