"""Brings a database to the present version, in one process: migrations, the catalogue that comes with it, the first administrator.

Run as `python -m registry.local.prepare`. Every line it prints is progress, except the last: what `bootstrap` says,
as JSON; `--quiet` leaves that out, for where the output is kept. Does nothing, quickly, when nothing is to be done.
"""

import io
import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        print(f"Migrating the database ({len(missing)} steps) …", flush=True)
        call_command("migrate", verbosity=0, interactive=False)
        print("Loading the ONEX catalogue …", flush=True)
    call_command("load_onex_catalogue", stdout=io.StringIO())
    call_command("load_change_subjects", stdout=io.StringIO())
    said = io.StringIO()
    call_command("bootstrap", "--json", stdout=said)
    if "--quiet" not in sys.argv:
        print(said.getvalue().strip(), flush=True)


if __name__ == "__main__":
    main()
