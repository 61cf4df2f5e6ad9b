# A task without a process has variables of its own.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("towpath", "0005_history_levels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="variable",
            name="instance",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="variables",
                to="towpath.instance",
            ),
        ),
    ]
