"""Is the process alive, and can it do its work?"""

from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse


@login_not_required
def healthz(_request: HttpRequest) -> JsonResponse:
    """Alive: says nothing about the database."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(_request: HttpRequest) -> JsonResponse:
    """Ready: the database answers and has every migration."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return JsonResponse({"status": "the database does not answer"}, status=503)
    if missing:
        return JsonResponse(
            {"status": f"{len(missing)} migrations are missing: manage.py migrate"}, status=503
        )
    return JsonResponse({"status": "ready"})
