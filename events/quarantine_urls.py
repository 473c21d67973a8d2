from django.urls import URLPattern, path

from events import quarantine_api, quarantine_pages

api: list[URLPattern] = [
    path("quarantine", quarantine_api.quarantine),
    path("quarantine/groups", quarantine_api.groups),
    path("quarantine/set-aside", quarantine_api.aside),
    path("quarantine/bring-back", quarantine_api.back),
    path("quarantine/redrives", quarantine_api.redrives),
    path("quarantine/redrives/<int:redrive_id>", quarantine_api.redrive),
    path("quarantine/redrives/<int:redrive_id>/cancel", quarantine_api.cancel),
    path("quarantine/<int:quarantined_id>/release", quarantine_api.release),
]
pages: list[URLPattern] = [
    path("violations/quarantine", quarantine_pages.quarantine, name="quarantine"),
    path("violations/quarantine/set-aside", quarantine_pages.aside, name="set-aside"),
    path("violations/quarantine/bring-back", quarantine_pages.back, name="bring-back"),
    path("violations/quarantine/redrive", quarantine_pages.start_redrive, name="start-redrive"),
    path("violations/quarantine/redrives/<int:redrive_id>", quarantine_pages.redrive, name="redrive"),
    path(
        "violations/quarantine/redrives/<int:redrive_id>/cancel",
        quarantine_pages.cancel,
        name="cancel-redrive",
    ),
    path("violations/quarantine/<int:quarantined_id>", quarantine_pages.quarantined, name="quarantined"),
    path("violations/quarantine/<int:quarantined_id>/release", quarantine_pages.release, name="release"),
]
