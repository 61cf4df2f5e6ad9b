"""The index of open instances holds what lists of them are sorted by; PostgreSQL learns which nodes have open activities.

The index is built anew beside the one that it replaces, without keeping anybody from writing (PostgreSQL: CONCURRENTLY, hence no
transaction); until it is there, the old one serves. What an interrupted run left behind is taken away by the next.
"""

from functools import partial

from django.db import migrations, models

from engine.migrations import _indexes

OPEN = models.Q(ended=None)
BEFORE = models.Index(fields=["id"], include=("definition", "started", "suspended", "parent"), name="towpath_instance_open", condition=OPEN)
AFTER = models.Index(
    fields=["id"],
    include=("definition", "started", "suspended", "parent", "business_key", "tenant"),
    name="towpath_instance_open",
    condition=OPEN,
)
# Nearly all activities of some nodes have not ended, and nearly all of the others have: guessed wrongly, a list takes seconds.
STATISTICS = "CREATE STATISTICS IF NOT EXISTS towpath_activity_open (mcv) ON node, type, ended FROM towpath_activity"


def replace(wanted, apps, schema_editor):
    _indexes.replace(schema_editor, apps.get_model("towpath", "instance"), wanted)


def tell(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(STATISTICS)


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS IF EXISTS towpath_activity_open")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("towpath", "0015_pages_from_indexes"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(partial(replace, AFTER), partial(replace, BEFORE)), migrations.RunPython(tell, forget)],
            [migrations.RemoveIndex("instance", AFTER.name), migrations.AddIndex("instance", AFTER)],
        ),
    ]
