"""Owner, teammate and stranger at every address of the product, in one table.

Everything in the world below belongs to the subject `team.order`. The owner may do everything; the teammate is
a developer (read, write, ingest) of `team.`; the stranger has an account and a token, and no role at all. A
fourth, who sends no credentials, is turned away everywhere but at the doors in OPEN. An address without a line
here fails the test: whoever adds one says who may use it.
"""

import json
import re
from copy import copy
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

import registry
from access.actor import ROLES, SYSTEM
from access.data_keys import register_data_key
from access.models import AuditEntry, Delivery, Invitation, Role, SigningKey, Token
from access.tokens import PREFIX, digest_of
from alerts.models import Action, ActionRun, Backtest, Channel, Episode
from alerts.rule_spec import RuleSpec
from alerts.rules import create_rule
from alerts.silences import create_silence
from events.export import start_export
from events.models import ClientReport, Export, Failure, QuarantinedEvent, Redrive, Subscription
from events.record_client_report import ReportSpec, record_client_report
from events.sampling import RuleSpec as RuleOfSampling
from events.sampling import create_sampling_rule
from registry.models import Approval, CatalogueImport, Study, VersionMigration
from registry.publish import publish_version
from registry.taxonomy import publish_taxonomy
from tests.conftest import Person
from tests.events.replays import begin, store

# Also what makes pytest-django set up the test database that the module's own fixture writes to.
pytestmark = pytest.mark.django_db
SUBJECT = "team.order"
SCHEMA = {"schema": json.dumps({"type": "object"})}
TARGET = "https://example.com/hook"
RULE = {
    "name": "another rule",
    "selector": {"field": "event_type", "op": "eq", "value": SUBJECT},
    "threshold": 3,
    "window_seconds": 60,
}
TAXONOMY = {"taxonomy": "team.new-errors", "prefix": "NEW", "areas": []}
REPLAY = {"correlation_id": "order-1", "target": TARGET}
SUBSCRIPTION = {
    "name": "another subscription",
    "url": TARGET,
    "subject_prefix": "team.",
    "format": "structured",
}
SAMPLING = {"event_type": "team.*", "node": "shop", "rate": 0.5}
SILENCE = {
    "matchers": [{"label": "severity", "op": "eq", "value": "info"}],
    "reason": "maintenance",
    "ends_at": "2027-11-20T00:00:00Z",
}
CHANNEL = {"name": "another channel", "url": TARGET}
ACTION = {"kind": "strict", "subject": SUBJECT, "minutes": 5}
EVENT = {
    "event_id": "new-1",
    "event_type": SUBJECT,
    "node_id": "n",
    "timestamp": "2026-11-23T09:00:00Z",
    "metadata": {},
}
PUBLIC_KEY = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
WRAPPED = "eyJhbGciOiJBMjU2S1cifQ.a2V5.aXY.Y2lwaGVy.dGFn"
DATA_KEY = {"subject": "team.other", "kid": "key-0002", "wrapped": WRAPPED, "wrapped_by": "local:1"}
REPORT = {
    "instance": "6f2d1c1e-0f3b-4a51-9d55-0d6c8e1f7a10",
    "sequence": 1,
    "service": "shop",
    "node_id": "shop-1",
    "sdk": "onex-sdk/0.1.0",
    "started_at": "2026-11-23T09:00:00Z",
    "counts": {"emitted": 3},
    "gauges": {},
    "types": {SUBJECT: {"emitted": 3}},
}

# yes: it is answered (a list may be empty), and a form did what it says; told: a page that says why it did not;
# no: 403; hidden: 404, as if it were not there; out: it was the door out.
# Method, address, who: owner, teammate, stranger.
TABLE = """
get    healthz                                                                 yes    yes    yes
get    readyz                                                                  yes    yes    yes
get    metrics                                                                 yes    no     no
post   v1/logs                                                                 told   told   no
post   v1/traces                                                               told   told   no
post   v1/metrics                                                              told   told   no
get    api/v1/openapi.yaml                                                     yes    yes    yes
post   api/v1/tokens                                                           no     no     no
get    api/v1/tokens                                                           yes    yes    yes
delete api/v1/tokens/<int:token_id>                                            yes    hidden hidden
post   api/v1/tokens/<int:token_id>/rotate                                     yes    hidden hidden
get    api/v1/keys/signing                                                     yes    yes    yes
post   api/v1/keys/signing                                                     yes    yes    no
get    api/v1/keys/signing/<str:signing_kid>                                   yes    yes    hidden
delete api/v1/keys/signing/<str:signing_kid>                                   yes    yes    hidden
post   api/v1/keys/signing/<str:signing_kid>/rotate                            yes    yes    hidden
get    api/v1/keys/data                                                        yes    yes    yes
post   api/v1/keys/data                                                        yes    yes    no
get    api/v1/keys/data/<str:data_kid>                                         yes    yes    hidden
put    api/v1/keys/data/<str:data_kid>                                         yes    yes    hidden
delete api/v1/keys/data/<str:data_kid>                                         yes    no     hidden
post   api/v1/keys/data/<str:data_kid>/revoke                                  yes    yes    hidden
post   api/v1/keys/data/<str:data_kid>/restore                                 yes    yes    hidden
get    api/v1/audit                                                            yes    no     no
get    api/v1/audit/check                                                      yes    no     no
get    api/v1/deliveries                                                       yes    no     no
get    api/v1/deliveries/<int:delivery_id>                                     yes    no     no
post   api/v1/deliveries/<int:delivery_id>/redeliver                           yes    no     no
post   api/v1/deliveries/<int:delivery_id>/cancel                              yes    no     no
post   api/v1/replays                                                          yes    no     no
get    api/v1/replays                                                          yes    yes    yes
post   api/v1/replays/plan                                                     yes    no     no
get    api/v1/replays/<uuid:replay_id>                                         yes    hidden hidden
get    api/v1/replays/<uuid:replay_id>/items                                   yes    hidden hidden
get    api/v1/replays/<uuid:replay_id>/outcomes                                yes    hidden hidden
get    api/v1/replays/<uuid:replay_id>/events                                  yes    hidden hidden
get    api/v1/replays/<uuid:replay_id>/stream                                  yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/step                                    yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/seek                                    yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/loop                                    yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/pause                                   yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/resume                                  yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/cancel                                  yes    hidden hidden
post   api/v1/replays/<uuid:replay_id>/speed                                   yes    hidden hidden
get    api/v1/client-reports                                                   yes    yes    no
post   api/v1/client-reports                                                   yes    yes    no
get    api/v1/failures                                                         yes    yes    no
get    api/v1/failures/<uuid:group>                                            yes    yes    no
get    api/v1/profiles                                                         yes    no     no
get    api/v1/profiles/series                                                  yes    no     no
get    api/v1/profiles/compare                                                 yes    no     no
get    api/v1/profiles/frames                                                  yes    no     no
get    api/v1/profiles/slowest                                                 yes    no     no
get    api/v1/sampling                                                         yes    yes    no
post   api/v1/sampling                                                         yes    no     no
get    api/v1/sampling/resolved                                                yes    yes    no
get    api/v1/sampling/effective                                               yes    yes    no
get    api/v1/sampling/prediction                                              yes    yes    no
get    api/v1/sampling/history                                                 yes    no     no
post   api/v1/sampling/history/<int:revision>/restore                            yes    no     no
get    api/v1/sampling/<int:sampling_rule_id>                                  yes    yes    no
put    api/v1/sampling/<int:sampling_rule_id>                                  yes    no     no
delete api/v1/sampling/<int:sampling_rule_id>                                  yes    no     hidden
get    api/v1/changes                                                          yes    yes    no
get    api/v1/subscriptions                                                    yes    no     no
post   api/v1/subscriptions                                                    yes    no     no
get    api/v1/subscriptions/<int:subscription_id>                              yes    no     no
put    api/v1/subscriptions/<int:subscription_id>                              yes    no     no
delete api/v1/subscriptions/<int:subscription_id>                              yes    no     no
post   api/v1/subscriptions/<int:subscription_id>/test                         yes    no     no
get    api/v1/subscriptions/<int:subscription_id>/deliveries                   yes    no     no
post   api/v1/events                                                           yes    yes    no
get    api/v1/events                                                           yes    yes    yes
post   api/v1/events/detect-version                                            yes    yes    no
get    api/v1/events/tail                                                      yes    yes    yes
get    api/v1/events/export                                                    yes    yes    no
get    api/v1/exports                                                          yes    yes    yes
post   api/v1/exports                                                          yes    yes    no
get    api/v1/exports/<uuid:export_id>                                         yes    hidden hidden
post   api/v1/exports/<uuid:export_id>/cancel                                  yes    hidden hidden
get    api/v1/exports/<uuid:export_id>/content                                 yes    hidden hidden
get    api/v1/storage                                                          yes    no     no
get    api/v1/events/<path:event_id>                                           yes    yes    hidden
get    api/v1/correlations/<path:correlation_id>                               yes    yes    hidden
get    api/v1/traces/<path:trace_id>                                            yes    yes    hidden
get    api/v1/statistics                                                       yes    yes    yes
get    api/v1/statistics/<path:subject>                                        yes    yes    no
get    api/v1/quarantine                                                       yes    yes    yes
get    api/v1/quarantine/groups                                                yes    yes    yes
post   api/v1/quarantine/set-aside                                             yes    yes    no
post   api/v1/quarantine/bring-back                                            yes    yes    no
get    api/v1/quarantine/redrives                                              yes    yes    yes
post   api/v1/quarantine/redrives                                              yes    yes    no
get    api/v1/quarantine/redrives/<int:redrive_id>                             yes    hidden hidden
post   api/v1/quarantine/redrives/<int:redrive_id>/cancel                      yes    hidden hidden
post   api/v1/quarantine/<int:quarantined_id>/release                          yes    yes    hidden
post   api/v1/alerts/rules                                                     yes    no     no
get    api/v1/alerts/rules                                                     yes    yes    no
get    api/v1/alerts/rules/export                                              yes    yes    no
post   api/v1/alerts/rules/import                                              yes    no     no
post   api/v1/alerts/rules/tests                                               yes    yes    no
post   api/v1/alerts/rules/preview                                             yes    no     no
delete api/v1/alerts/rules/<int:rule_id>                                       yes    no     hidden
put    api/v1/alerts/rules/<int:rule_id>                                       yes    no     no
get    api/v1/alerts/rules/<int:rule_id>                                       yes    yes    no
get    api/v1/alerts/rules/<int:rule_id>/editions                              yes    yes    no
get    api/v1/alerts/rules/<int:rule_id>/explain                               yes    yes    no
post   api/v1/alerts/rules/<int:rule_id>/pause                                 yes    no     hidden
post   api/v1/alerts/rules/<int:rule_id>/resume                                yes    no     hidden
get    api/v1/alerts/rules/<int:rule_id>/actions                               yes    yes    no
post   api/v1/alerts/rules/<int:rule_id>/actions                               yes    no     no
delete api/v1/alerts/rules/<int:rule_id>/actions/<int:action_id>               yes    no     no
get    api/v1/alerts/action-runs                                               yes    yes    no
post   api/v1/alerts/action-runs/<int:run_id>/undo                             yes    no     no
get    api/v1/alerts/episodes                                                  yes    yes    no
get    api/v1/alerts/episodes/<int:episode_id>                                 yes    yes    no
post   api/v1/alerts/episodes/<int:episode_id>/acknowledge                     yes    no     no
post   api/v1/alerts/episodes/<int:episode_id>/unacknowledge                   yes    no     no
post   api/v1/alerts/episodes/<int:episode_id>/resolve                         yes    no     no
post   api/v1/alerts/episodes/<int:episode_id>/notes                           yes    no     no
get    api/v1/alerts/backtests                                                 yes    no     no
post   api/v1/alerts/backtests                                                 yes    no     no
get    api/v1/alerts/backtests/<int:backtest_id>                               yes    hidden hidden
post   api/v1/alerts/backtests/<int:backtest_id>/cancel                        yes    hidden hidden
get    api/v1/alerts/silences                                                  yes    no     no
post   api/v1/alerts/silences                                                  yes    no     no
post   api/v1/alerts/silences/preview                                          yes    no     no
get    api/v1/alerts/silences/<int:silence_id>                                 yes    no     no
put    api/v1/alerts/silences/<int:silence_id>                                 yes    no     no
post   api/v1/alerts/silences/<int:silence_id>/expire                          yes    no     no
post   api/v1/alerts/channels                                                  yes    no     no
get    api/v1/alerts/channels                                                  yes    no     no
delete api/v1/alerts/channels/<int:channel_id>                                 yes    no     no
put    api/v1/alerts/channels/<int:channel_id>                                 yes    no     no
get    api/v1/alerts/channels/<int:channel_id>                                 yes    no     no
post   api/v1/alerts/channels/<int:channel_id>/test                            yes    no     no
post   api/v1/alerts/channels/preview                                          yes    no     no
get    api/v1/alerts/channels/<int:channel_id>/attempts                        yes    no     no
post   api/v1/alerts/channels/<int:channel_id>/redeliver                       yes    no     no
get    api/v1/taxonomies                                                       yes    yes    yes
post   api/v1/taxonomies/<path:name>/versions                                  yes    yes    no
get    api/v1/taxonomies/<path:name>/versions                                  yes    yes    no
get    api/v1/taxonomies/<path:name>/versions/<str:wanted>/codes.<str:language> yes   yes    no
get    api/v1/taxonomies/<path:name>/versions/<str:wanted>                     yes    yes    no
get    api/v1/taxonomies/<path:name>/codes                                     yes    yes    no
get    api/v1/taxonomies/<path:name>/codes/<str:text>                          yes    yes    no
post   api/v1/taxonomies/<path:name>/normalize                                 yes    yes    no
get    api/v1/taxonomies/<path:name>/normalize                                 yes    yes    no
get    api/v1/taxonomies/<path:name>/diff                                      yes    yes    no
get    api/v1/taxonomies/<path:name>/usage                                     yes    yes    no
get    api/v1/taxonomies/<path:name>/dependents                                yes    yes    no
get    api/v1/                                                                 yes    yes    yes
get    api/v1/v1/metadata/id                                                   yes    yes    yes
get    api/v1/v1/metadata/version                                              yes    yes    yes
get    api/v1/v1/metadata/deployment                                           yes    yes    yes
get    api/v1/contexts                                                         yes    yes    yes
delete api/v1/contexts/<str:context>                                           hidden no     no
get    api/v1/schemas                                                          yes    yes    yes
get    api/v1/schemas/guids/<str:guid>                                         yes    yes    no
get    api/v1/schemas/guids/<str:guid>/ids                                     yes    yes    no
get    api/v1/schemas/types                                                    yes    yes    yes
get    api/v1/schemas/ids/<id:schema_id>                                       yes    yes    no
get    api/v1/schemas/ids/<id:schema_id>/schema                                yes    yes    no
get    api/v1/schemas/ids/<id:schema_id>/subjects                              yes    yes    no
get    api/v1/schemas/ids/<id:schema_id>/versions                              yes    yes    no
post   api/v1/compatibility/subjects/<subject:subject>/versions/<str:version>  yes    yes    no
post   api/v1/compatibility/subjects/<subject:subject>/versions                yes    yes    no
delete api/v1/config                                                           yes    no     no
put    api/v1/config                                                           yes    no     no
get    api/v1/config                                                           yes    yes    no
delete api/v1/config/<subject:subject>                                         hidden hidden no
put    api/v1/config/<subject:subject>                                         yes    yes    no
get    api/v1/config/<subject:subject>                                         hidden hidden no
patch  api/v1/settings/<subject:subject>                                       yes    yes    no
get    api/v1/settings/<subject:subject>                                       yes    yes    no
delete api/v1/mode                                                             yes    no     no
put    api/v1/mode                                                             yes    no     no
get    api/v1/mode                                                             yes    yes    no
delete api/v1/mode/<subject:subject>                                           hidden hidden no
put    api/v1/mode/<subject:subject>                                           yes    yes    no
get    api/v1/mode/<subject:subject>                                           hidden hidden no
get    api/v1/catalogue                                                        yes    no     no
get    api/v1/imports                                                          yes    no     no
post   api/v1/imports/archive                                                  yes    no     no
post   api/v1/imports/registry                                                 yes    no     no
get    api/v1/imports/<int:import_id>                                          yes    no     no
post   api/v1/imports/<int:import_id>/cancel                                   yes    no     no
post   api/v1/imports/<int:import_id>/repeat                                   yes    no     no
get    api/v1/studies                                                          yes    yes    yes
get    api/v1/studies/<int:study_id>                                           yes    yes    hidden
post   api/v1/studies/<int:study_id>/cancel                                    yes    yes    hidden
get    api/v1/approvals                                                        yes    yes    yes
get    api/v1/approvals/<int:approval_id>                                      yes    yes    hidden
post   api/v1/approvals/<int:approval_id>/approve                              no     yes    hidden
post   api/v1/approvals/<int:approval_id>/reject                               no     yes    hidden
get    api/v1/subjects/<subject:subject>/versions/<str:version>/usage          yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/graph          yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/state          yes    yes    no
post   api/v1/subjects/<subject:subject>/versions/<str:version>/state          yes    yes    no
get    api/v1/subjects                                                         yes    yes    yes
get    api/v1/declared-changes                                                 yes    yes    yes
get    api/v1/search                                                           yes    yes    yes
get    api/v1/subjects/<subject:subject>/versions/<str:version>/docs           yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/example        yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/changes        hidden hidden no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/similar        yes    yes    no
get    api/v1/subjects/<subject:subject>/migrations                            yes    yes    no
post   api/v1/subjects/<subject:subject>/migrations                            yes    yes    no
get    api/v1/subjects/<subject:subject>/migrations/<int:number>               yes    yes    no
delete api/v1/subjects/<subject:subject>/migrations/<int:number>               yes    yes    no
post   api/v1/subjects/<subject:subject>/migrations/<int:number>/approve       no     yes    no
get    api/v1/subjects/<subject:subject>/metadata                              hidden hidden no
post   api/v1/subjects/<subject:subject>/versions/<str:version>/tags           yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/schema         yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<str:version>/referencedby   yes    yes    no
delete api/v1/subjects/<subject:subject>/versions/<version:version>            yes    yes    no
get    api/v1/subjects/<subject:subject>/versions/<version:version>            yes    yes    no
post   api/v1/subjects/<subject:subject>/versions                              yes    yes    no
get    api/v1/subjects/<subject:subject>/versions                              yes    yes    no
delete api/v1/subjects/<subject:subject>                                       yes    yes    no
post   api/v1/subjects/<subject:subject>                                       yes    yes    no
get    login                                                                   yes    yes    yes
post   login                                                                   told   told   told
post   logout                                                                  out    out    out
get    password                                                                yes    yes    yes
post   password                                                                told   told   told
get    invitations/<str:secret>                                                yes    yes    yes
post   invitations/<str:secret>                                                told   told   told
get    keys                                                                    yes    yes    yes
get    keys/signing/new                                                        yes    yes    yes
post   keys/signing/new                                                        yes    yes    told
get    keys/signing/<str:signing_kid>/rotate                                   yes    yes    hidden
post   keys/signing/<str:signing_kid>/rotate                                   yes    yes    hidden
post   keys/signing/<str:signing_kid>/revoke                                   yes    yes    hidden
get    keys/data                                                               yes    yes    yes
get    keys/data/<str:data_kid>                                                yes    yes    hidden
post   keys/data/<str:data_kid>/revoke                                         yes    yes    hidden
post   keys/data/<str:data_kid>/restore                                        told   told   hidden
post   keys/data/<str:data_kid>/destroy                                        yes    no     hidden
get    tokens                                                                  yes    yes    yes
get    tokens/new                                                              yes    yes    yes
post   tokens/new                                                              yes    yes    told
post   tokens/<int:token_id>/rotate                                            yes    hidden hidden
post   tokens/<int:token_id>/revoke                                            yes    hidden hidden
get    people                                                                  yes    no     no
get    people/invite                                                           yes    no     no
post   people/invite                                                           yes    no     no
post   people/invitations/<int:invitation_id>/withdraw                         yes    no     no
get    people/of/<str:username>                                                yes    no     no
post   people/of/<str:username>                                                yes    no     no
post   people/of/<str:username>/active                                         yes    told   told
post   people/of/<str:username>/roles/<int:role_id>/take                       yes    told   told
get    audit                                                                   yes    no     no
get    deliveries                                                              yes    no     no
get    deliveries/<int:delivery_id>                                            yes    no     no
post   deliveries/<int:delivery_id>/redeliver                                  yes    no     no
post   deliveries/<int:delivery_id>/cancel                                     told   no     no
get    replays                                                                 yes    yes    yes
get    replays/new                                                             yes    yes    yes
post   replays/new                                                             yes    told   told
get    replays/<uuid:replay_id>                                                yes    hidden hidden
get    replays/<uuid:replay_id>/progress                                       yes    hidden hidden
post   replays/<uuid:replay_id>/speed                                          yes    hidden hidden
post   replays/<uuid:replay_id>/step                                           yes    hidden hidden
post   replays/<uuid:replay_id>/seek                                           yes    hidden hidden
post   replays/<uuid:replay_id>/loop                                           yes    hidden hidden
post   replays/<uuid:replay_id>/pause                                          yes    hidden hidden
post   replays/<uuid:replay_id>/resume                                         told   hidden hidden
post   replays/<uuid:replay_id>/cancel                                         yes    hidden hidden
get    producers                                                               yes    yes    no
get    producers/<int:client_report_id>                                        yes    yes    no
get    failures                                                                yes    yes    no
get    failures/<uuid:group>                                                   yes    yes    no
get    profiles                                                                yes    no     no
get    profiles/operation                                                      yes    no     no
get    sampling                                                                yes    yes    no
get    sampling/new                                                            yes    no     no
post   sampling/new                                                            yes    no     no
get    sampling/<int:sampling_rule_id>                                         yes    no     hidden
post   sampling/<int:sampling_rule_id>                                         yes    no     hidden
post   sampling/<int:sampling_rule_id>/delete                                  yes    no     hidden
post   sampling/history/<int:revision>/restore                                   yes    no     no
get    subscriptions                                                           yes    no     no
get    subscriptions/new                                                       yes    no     no
post   subscriptions/new                                                       yes    no     no
get    subscriptions/<int:subscription_id>                                     yes    no     no
post   subscriptions/<int:subscription_id>                                     yes    no     no
post   subscriptions/<int:subscription_id>/test                                yes    no     no
post   subscriptions/<int:subscription_id>/pause                               yes    no     no
post   subscriptions/<int:subscription_id>/resume                              told   no     no
post   subscriptions/<int:subscription_id>/delete                              yes    no     no
get    events                                                                  yes    yes    yes
get    events/tail                                                             yes    yes    yes
get    events/news                                                             yes    yes    yes
get    exports                                                                 yes    yes    yes
post   exports/start                                                           yes    yes    no
get    exports/<uuid:export_id>                                                yes    hidden hidden
post   exports/<uuid:export_id>/cancel                                         told   hidden hidden
get    exports/<uuid:export_id>/content                                        yes    hidden hidden
get    storage                                                                 yes    no     no
get    events/id/<path:event_id>                                               yes    yes    hidden
get    events/correlation/<path:correlation_id>                                yes    yes    hidden
get    events/trace/<path:trace_id>                                             yes    yes    hidden
get    violations                                                              yes    yes    yes
get    statistics                                                              yes    yes    yes
get    statistics/<path:subject>                                               yes    yes    no
get    violations/quarantine                                                   yes    yes    yes
post   violations/quarantine/set-aside                                         yes    yes    no
post   violations/quarantine/bring-back                                        yes    yes    no
post   violations/quarantine/redrive                                           yes    yes    no
get    violations/quarantine/redrives/<int:redrive_id>                         yes    hidden hidden
post   violations/quarantine/redrives/<int:redrive_id>/cancel                  yes    hidden hidden
get    violations/quarantine/<int:quarantined_id>                              yes    yes    hidden
post   violations/quarantine/<int:quarantined_id>/release                      yes    yes    told
get    alerts/rules                                                            yes    yes    no
get    alerts/rules/code                                                       yes    no     no
post   alerts/rules/code                                                       told   no     no
get    alerts/rules/tests                                                      yes    yes    no
post   alerts/rules/tests                                                      told   told   no
get    alerts/rules/new                                                        yes    no     no
post   alerts/rules/new                                                        told   no     no
post   alerts/rules/preview                                                    told   told   no
get    alerts/rules/<int:rule_id>                                              yes    yes    no
get    alerts/rules/<int:rule_id>/edit                                         yes    no     no
post   alerts/rules/<int:rule_id>/edit                                         told   no     no
get    alerts/rules/<int:rule_id>/explain                                      yes    yes    no
post   alerts/rules/<int:rule_id>/pause                                        yes    no     hidden
post   alerts/rules/<int:rule_id>/resume                                       told   no     hidden
post   alerts/rules/<int:rule_id>/delete                                       yes    no     hidden
get    alerts/rules/<int:rule_id>/actions                                      yes    yes    no
post   alerts/rules/<int:rule_id>/actions                                      yes    no     no
post   alerts/rules/<int:rule_id>/actions/<int:action_id>/remove               yes    no     no
post   alerts/action-runs/<int:run_id>/undo                                    yes    no     no
get    alerts/episodes                                                         yes    yes    no
get    alerts/episodes/<int:episode_id>                                        yes    yes    no
post   alerts/episodes/<int:episode_id>/acknowledge                            yes    no     no
post   alerts/episodes/<int:episode_id>/unacknowledge                          told   no     no
post   alerts/episodes/<int:episode_id>/resolve                                yes    no     no
post   alerts/episodes/<int:episode_id>/note                                   yes    no     no
post   alerts/rules/<int:rule_id>/backtest                                     yes    no     no
get    alerts/backtests/<int:backtest_id>                                      yes    hidden hidden
post   alerts/backtests/<int:backtest_id>/cancel                               yes    hidden hidden
get    alerts/silences                                                         yes    no     no
get    alerts/silences/new                                                     yes    no     no
post   alerts/silences/new                                                     yes    no     no
get    alerts/silences/<int:silence_id>                                        yes    no     no
post   alerts/silences/<int:silence_id>                                        yes    no     no
post   alerts/silences/<int:silence_id>/expire                                 yes    no     no
get    alerts/channels                                                         yes    no     no
get    alerts/channels/new                                                     yes    no     no
post   alerts/channels/new                                                     yes    no     no
get    alerts/channels/<int:channel_id>                                        yes    no     no
post   alerts/channels/<int:channel_id>                                        yes    no     no
post   alerts/channels/<int:channel_id>/test                                   yes    no     no
post   alerts/channels/preview                                                 told   no     no
get    alerts/channels/<int:channel_id>/tests                                  yes    no     no
get    alerts/channels/<int:channel_id>/log                                    yes    no     no
post   alerts/channels/<int:channel_id>/redeliver                              told   no     no
post   alerts/channels/<int:channel_id>/delete                                 yes    no     no
get    /                                                                       yes    yes    yes
get    upload                                                                  yes    yes    yes
post   upload                                                                  yes    yes    told
get    subjects                                                                yes    yes    yes
get    declared-changes                                                        yes    yes    yes
get    search                                                                  yes    yes    yes
get    subjects/<path:subject>/versions/compare                                yes    yes    no
get    subjects/<path:subject>/versions/<str:version>/similar                  yes    yes    no
post   subjects/<path:subject>/versions/all/delete                             yes    yes    told
post   subjects/<path:subject>/versions/<str:version>/delete                   yes    yes    told
get    subjects/<path:subject>/versions/<str:version>/usage                    yes    yes    no
get    subjects/<path:subject>/versions/<str:version>/graph                    yes    yes    no
get    subjects/<path:subject>/versions/<str:version>/deprecate                yes    yes    no
post   subjects/<path:subject>/versions/<str:version>/deprecate                yes    yes    no
post   subjects/<path:subject>/versions/<str:version>/state                    yes    yes    told
get    catalogue                                                               yes    no     no
post   imports/archive                                                         yes    no     no
post   imports/registry                                                        yes    no     no
get    imports/<int:import_id>                                                 yes    no     no
post   imports/<int:import_id>/cancel                                          told   no     no
post   imports/<int:import_id>/repeat                                          yes    no     no
get    studies/<int:study_id>                                                  yes    yes    hidden
post   studies/<int:study_id>/cancel                                           yes    yes    hidden
get    approvals                                                               yes    yes    yes
get    approvals/<int:approval_id>                                             yes    yes    hidden
post   approvals/<int:approval_id>/approve                                     told   yes    hidden
post   approvals/<int:approval_id>/reject                                      told   yes    hidden
get    subjects/<path:subject>/versions/<str:version>                          yes    yes    no
get    subjects/<path:subject>/migrations                                      yes    yes    no
get    subjects/<path:subject>/migrations/new                                  yes    yes    no
post   subjects/<path:subject>/migrations/new                                  told   told   no
post   subjects/<path:subject>/migrations/<int:number>/approve                 told   yes    told
post   subjects/<path:subject>/migrations/<int:number>/retire                  yes    yes    told
get    subjects/<path:subject>/config                                          yes    yes    no
post   subjects/<path:subject>/config                                          told   told   no
get    subjects/<path:subject>                                                 yes    yes    no
get    taxonomies                                                              yes    yes    yes
get    taxonomies/upload                                                       yes    yes    yes
post   taxonomies/upload                                                       yes    yes    told
get    taxonomies/<path:name>/versions/<str:wanted>                            yes    yes    no
get    taxonomies/<path:name>/compare                                          yes    yes    no
get    taxonomies/<path:name>                                                  yes    yes    no
"""
# What has to be sent for the answer to depend on the person alone.
API_BODY: dict[str, object] = {
    "post tokens": {"name": "t", "scopes": ["read"], "subject_prefixes": ["team."]},
    "post keys/signing": {"name": "shop", "public_key": PUBLIC_KEY, "subject_prefix": "team."},
    "post keys/signing/<str:signing_kid>/rotate": {"public_key": PUBLIC_KEY},
    "post keys/data": DATA_KEY,
    "post keys/data/<str:data_kid>/revoke": {},
    "put keys/data/<str:data_kid>": {"wrapped": WRAPPED, "wrapped_by": "local:2"},
    "delete keys/data/<str:data_kid>": {"reason": "asked for by the person"},
    "post replays": REPLAY,
    "post replays/plan": REPLAY,
    "post replays/<uuid:replay_id>/speed": {"speed": 2},
    "post replays/<uuid:replay_id>/step": {"count": 1},
    "post replays/<uuid:replay_id>/seek": {"position": 1},
    "post replays/<uuid:replay_id>/loop": {"passes": 1},
    "post quarantine/redrives": {},
    "post exports": {"query": {"type": SUBJECT}},
    "post quarantine/set-aside": {},
    "post quarantine/bring-back": {},
    "post sampling": SAMPLING,
    "put sampling/<int:sampling_rule_id>": SAMPLING,
    "post subscriptions": SUBSCRIPTION,
    "put subscriptions/<int:subscription_id>": SUBSCRIPTION,
    "post client-reports": REPORT,
    "post events": EVENT,
    "post events/detect-version": EVENT,
    "post alerts/rules": RULE,
    "post alerts/rules/preview": RULE,
    "put alerts/rules/<int:rule_id>": RULE,
    "post alerts/rules/<int:rule_id>/actions": ACTION,
    "post alerts/episodes/<int:episode_id>/acknowledge": {},
    "post alerts/episodes/<int:episode_id>/resolve": {},
    "post alerts/episodes/<int:episode_id>/notes": {"text": "seen"},
    "post alerts/backtests": {"selector": RULE["selector"]},
    "post alerts/silences": SILENCE,
    "post alerts/silences/preview": {"matchers": SILENCE["matchers"]},
    "put alerts/silences/<int:silence_id>": {"reason": "longer", "ends_at": "2027-11-26T00:00:00Z"},
    "post alerts/channels": CHANNEL,
    "post alerts/channels/preview": {},
    "put alerts/channels/<int:channel_id>": CHANNEL,
    "post compatibility/subjects/<subject:subject>/versions/<str:version>": SCHEMA,
    "post compatibility/subjects/<subject:subject>/versions": SCHEMA,
    "post subjects/<subject:subject>/migrations": {"from": "1", "to": "1", "up": []},
    "post approvals/<int:approval_id>/approve": {"reason": "yes"},
    "post approvals/<int:approval_id>/reject": {"reason": "no"},
    "post subjects/<subject:subject>/versions/<str:version>/state": {"state": "deprecated"},
    "post imports/registry": {"url": TARGET},
    "put config": {"compatibility": "FULL"},
    "put config/<subject:subject>": {"compatibility": "FULL"},
    "put mode": {"mode": "READWRITE"},
    "put mode/<subject:subject>": {"mode": "READWRITE"},
    "post taxonomies/<path:name>/versions": {"prefix": "ONEX", "areas": []},
    "post taxonomies/<path:name>/normalize": {"codes": ["ONEX_STAMP_001"]},
    "post subjects/<subject:subject>/versions": SCHEMA,
    "post subjects/<subject:subject>": SCHEMA,
    "post subjects/<subject:subject>/versions/<str:version>/tags": {"metadata": {"tags": {"a": ["PII"]}}},
}
PAGE_BODY: dict[str, dict[str, object]] = {
    "imports/archive": {"archive-file": ContentFile(b"PK", name="archive.zip")},
    "imports/registry": {"registry-url": TARGET},
    "keys/signing/new": {
        "name": "shop",
        "public_key": PUBLIC_KEY,
        "subject_prefix": "team.",
        "lifetime": "30",
    },
    "keys/signing/<str:signing_kid>/rotate": {"public_key": PUBLIC_KEY},
    "keys/data/<str:data_kid>/destroy": {"why": "asked for by the person", "sure": "on"},
    "tokens/new": {"name": "t", "scopes": ["read"], "subject_prefixes": "team.", "lifetime": "30"},
    "upload": {"subject": SUBJECT, "schema": '{"type": "object", "title": "new"}', "publish": "yes"},
    "taxonomies/upload": {"document": json.dumps(TAXONOMY), "publish": "yes"},
    "subjects/<path:subject>/config": {"owner": "somebody"},
    "subjects/<path:subject>/versions/<str:version>/state": {"state": "deprecated"},
    "subjects/<path:subject>/versions/<str:version>/deprecate": {"note": "old"},
    "approvals/<int:approval_id>/approve": {"seen": 1},
    "approvals/<int:approval_id>/reject": {"reason": "no"},
    "people/invite": {"username": "new", "email": "new@example.com", "role": "viewer", "subject_prefix": ""},
    "people/of/<str:username>": {"role": "viewer", "subject_prefix": ""},
    "people/of/<str:username>/active": {"active": "no"},
    "sampling/new": SAMPLING,
    "sampling/<int:sampling_rule_id>": SAMPLING,
    "subscriptions/new": SUBSCRIPTION,
    "subscriptions/<int:subscription_id>": SUBSCRIPTION,
    "replays/new": REPLAY | {"speed": 1, "to": "webhook"},
    "replays/<uuid:replay_id>/speed": {"speed": 2},
    "replays/<uuid:replay_id>/step": {"count": 1},
    "replays/<uuid:replay_id>/seek": {"position": 1},
    "replays/<uuid:replay_id>/loop": {"passes": 1},
    "alerts/rules/<int:rule_id>/actions": ACTION,
    "alerts/episodes/<int:episode_id>/acknowledge": {"minutes": "240"},
    "alerts/episodes/<int:episode_id>/note": {"text": "seen"},
    "alerts/silences/new": {
        "matchers-TOTAL_FORMS": "1",
        "matchers-INITIAL_FORMS": "0",
        "matchers-0-label": "severity",
        "matchers-0-op": "eq",
        "matchers-0-value": "info",
        "reason": "quiet",
        "lasts": "60",
        "save": "yes",
    },
    "alerts/silences/<int:silence_id>": {"reason": "longer", "ends_at": "2027-11-20T00:00"},
    "alerts/channels/new": CHANNEL,
    "alerts/channels/<int:channel_id>": CHANNEL,
}
# Answered to everybody, with or without credentials.
OPEN = {"healthz", "readyz", "login", "invitations/<str:secret>"}
# Django's own operators' site asks for a staff account by itself.
ELSEWHERE = ("admin/",)


def addresses(patterns, prefix=""):
    """Every address of the resolver with its methods; None where a page does not say which it takes."""
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if text.startswith(ELSEWHERE):
            continue
        if isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "cls", None)
            methods = [name for name in view.http_method_names if name != "options"] if view else None
            yield text, methods if text.startswith("api/v1/") and text != "api/v1/openapi.yaml" else None
        else:
            yield from addresses(pattern.url_patterns, text)


def rows():
    for line in TABLE.strip().splitlines():
        method, address, *expected = line.split()
        yield pytest.param(method, "" if address == "/" else address, expected, id=f"{method} {address}")


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """One of everything, made once and rolled back at the end; every request is rolled back by itself."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.UPLOAD_JUDGES", [])
        patch.setattr("django.conf.settings.REPLAY_STREAM_SECONDS", 0.0)
        patch.setattr("django.conf.settings.ALERT_ACTIONS", ["strict"])
        patch.setattr(
            "django.conf.settings.PASSWORD_HASHERS", ["django.contrib.auth.hashers.MD5PasswordHasher"]
        )
        people, names = make_world()
        # One client each: a new one loads the middleware anew, which takes longer than most requests.
        clients = [(Client(headers=person.header), person.browser) for person in people.values()]
        yield clients, Client(), names
        transaction.set_rollback(True)


def make_world():
    people = {
        "owner": make_person("owner", "admin", ""),
        "teammate": make_person("teammate", "developer", "team."),
        "stranger": make_person("stranger", None, ""),
    }
    published = publish_version(actor=SYSTEM, subject=SUBJECT, schema=SCHEMA["schema"])
    draft = publish_version(actor=people["owner"].actor, subject=SUBJECT, schema="{}", draft=True).version
    migration = VersionMigration.objects.create(
        subject=published.version.subject,
        number=1,
        source=published.version,
        target=draft,
        up=[],
        state="pending",
        creator=people["owner"].user,
    )
    approval = Approval.objects.create(version=draft, requested_by="owner", requester=people["owner"].user)
    study = Study.objects.create(
        subject=SUBJECT, judge="events.judge.stored_events", digest=bytes(32), schema="{}", created_by="owner"
    )
    # A dry run that can be done for real.
    tried = CatalogueImport.objects.create(
        kind="registry",
        source=TARGET,
        options={"subject_prefix": SUBJECT, "into": "."},
        secret="sealed",
        dry_run=True,
        state="completed",
        created_by="owner",
    )
    document = json.loads(
        (Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8")
    )
    publish_taxonomy(actor=SYSTEM, document=document | {"taxonomy": "team.errors"})
    (event,) = store(0.0, event_type=SUBJECT, trace_id="trace-1")
    quarantined = QuarantinedEvent.objects.create(
        event_id="q-1",
        event_type=SUBJECT,
        correlation_id="order-1",
        reason="violates_schema",
        digest=bytes(32),
        raw=json.dumps(EVENT).encode(),
        producer="test",
    )
    redrive = Redrive.objects.create(
        filters={"event_type": SUBJECT}, until_id=1, total=1, created_by="owner", user=people["owner"].user
    )
    replay = begin(SYSTEM, target=TARGET)
    subscription = Subscription.objects.create(
        name="team's changes", subject_prefix="team.", url=TARGET, secret="", created_by="test"
    )
    sampled = create_sampling_rule(actor=SYSTEM, spec=RuleOfSampling(event_type=SUBJECT, rate=0.1))
    channel = Channel.objects.create(name="pager", url=TARGET, secret="", created_by="test")
    rule = create_rule(actor=SYSTEM, spec=RuleSpec(**(RULE | {"name": "order floods"}))).rule
    now = timezone.now()
    backtest = Backtest.objects.create(
        name="draft",
        edition=RuleSpec(**(RULE | {"name": "draft"})).edition(),
        after=0,
        head=1,
        created_by="owner",
        user=people["owner"].user,
    )
    silence = create_silence(
        actor=SYSTEM, matchers=SILENCE["matchers"], reason="quiet", ends_at=now + timedelta(days=1)
    )
    episode = Episode.objects.create(
        rule=rule,
        rule_version=rule.current,
        group_key="",
        number=1,
        started_at=now,
        fired_at=now,
        last_match_at=now,
        closes_at=now,
        peak=3,
        matches=3,
    )
    action = Action.objects.create(rule=rule, created_by="test", **ACTION)
    run = ActionRun.objects.create(action=action, episode=episode, state="active", holds=action.holds)
    delivery = Delivery.objects.create(
        message_id="m-1", about="test", about_id="1", url=TARGET, body=b"{}", state="dead"
    )
    invitation = Invitation.objects.create(
        email="a@example.com",
        username="invited",
        role="viewer",
        digest=digest_of("never"),
        invited_by=people["owner"].user,
        expires_at=now + timedelta(days=1),
    )
    failure = Failure.objects.create(
        key=UUID(int=2),
        group=UUID(int=2),
        received_on=now.date(),
        event_type=SUBJECT,
        pattern="no stock",
        node_id="n1",
        events=1,
        weight=1_000_000,
        first_seen=now,
        last_seen=now,
        last_event_id=event.event_id,
    )
    spec = {**REPORT, "instance": UUID(int=1), "started_at": now}
    record_client_report(actor=people["owner"].actor, spec=ReportSpec(**spec))
    signing = SigningKey.objects.create(
        kid="k-1", name="shop", subject_prefix="team.", public_key="x" * 43, created_by="test"
    )
    key = register_data_key(actor=SYSTEM, **{**DATA_KEY, "subject": SUBJECT, "kid": "key-0001"})
    exported = start_export(actor=people["owner"].actor, query={"type": SUBJECT}, form="ndjson")
    Export.objects.update(state=Export.State.COMPLETED)
    names = {
        "token_id": Token.objects.get(owner=people["owner"].user).pk,
        "signing_kid": signing.kid,
        "data_kid": key.kid,
        "delivery_id": delivery.pk,
        "approval_id": approval.pk,
        "study_id": study.pk,
        "number": migration.number,
        "import_id": tried.pk,
        "replay_id": replay.pk,
        "event_id": event.event_id,
        "correlation_id": "order-1",
        "trace_id": "trace-1",
        "quarantined_id": quarantined.pk,
        "redrive_id": redrive.pk,
        "export_id": exported.pk,
        "rule_id": rule.pk,
        "sampling_rule_id": sampled.id,
        "revision": 0,
        "episode_id": episode.pk,
        "silence_id": silence.pk,
        "backtest_id": backtest.pk,
        "action_id": action.pk,
        "run_id": run.pk,
        "channel_id": channel.pk,
        "group": failure.group,
        "client_report_id": ClientReport.objects.get().pk,
        "subscription_id": subscription.pk,
        "schema_id": published.schema_id,
        "context": ".unknown",
        "guid": published.version.identity.guid,
        "subject": SUBJECT,
        "version": "1",
        "wanted": "latest",
        "name": "team.errors",
        "text": "ONEX_STAMP_001",
        "language": "py",
        "secret": "unknown",
        "username": "teammate",
        "role_id": people["teammate"].user.roles.get().pk,
        "invitation_id": invitation.pk,
    }
    return people, names


def make_person(name, role, prefix):
    user = User.objects.create(username=name)
    if role:
        Role.objects.create(user=user, name=role, subject_prefix=prefix)
    secret = f"{PREFIX}table_{name}"
    Token.objects.create(
        owner=user,
        name=name,
        hint=secret[:12],
        digest=digest_of(secret),
        scopes=sorted(ROLES["admin"]),
        subject_prefixes=[""],
    )
    return Person(user, secret)


def ask(client, method, address, names):
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: quote(str(names[match[1]]), safe=""), address)
    if address.startswith("api/v1/"):
        body = API_BODY.get(f"{method} {address.removeprefix('api/v1/')}")
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    else:
        sent = {"data": PAGE_BODY.get(address, {})} if method == "post" else {}
    cookies = copy(client.cookies)
    with transaction.atomic():
        before = AuditEntry.objects.count()
        answer = getattr(client, method)(path, **sent)
        if answer.streaming:
            # A file stays open until it was sent.
            b"".join(answer)
        changed = AuditEntry.objects.count() > before
        transaction.set_rollback(True)
    # Signing out is rolled back, too.
    client.cookies = cookies
    return outcome(answer, told=method == "post" and not address.startswith("api/") and not changed), answer


def outcome(answer, *, told):
    if answer.status_code == 401 or answer.get("Location", "").startswith("/login"):
        return "out"
    answered = "told" if told else "yes"
    return {403: "no", 404: "hidden"}.get(
        answer.status_code, answered if answer.status_code < 500 else "broken"
    )


@pytest.mark.parametrize(("method", "address", "expected"), list(rows()))
def test_who_may(world, method, address, expected):
    clients, anonymous, names = world
    asked = [
        ask(api if address.startswith("api/v1/") else browser, method, address, names)
        for api, browser in clients
    ]
    assert [found for found, _ in asked] == expected
    # A list that a stranger may open holds nothing for them.
    assert method != "get" or expected[2] != "yes" or SUBJECT not in asked[2][1].content.decode()
    nobody, _ = ask(anonymous, method, address, names)
    assert (nobody != "out") == (address in OPEN)


@pytest.mark.parametrize(("method", "address", "expected"), list(rows()))
def test_a_neighbour_learns_nothing(world, method, address, expected):
    """An operator (read, replay, alert) of another prefix: whatever is answered names nothing of `team.order`."""
    if expected == ["yes", "yes", "yes"] and address in OPEN:
        return
    *_, names = world
    with transaction.atomic():
        person = make_person("neighbour", "operator", "other.")
        client = Client(headers=person.header) if address.startswith("api/v1/") else person.browser
        found, answer = ask(client, method, address, names)
        transaction.set_rollback(True)
    body = answer.content.decode()
    bodies = [API_BODY.get(f"{method} {address.removeprefix('api/v1/')}"), PAGE_BODY.get(address)]
    sent = json.dumps(bodies, default=str)
    asked = f"{answer.request['PATH_INFO']}?{sent}"
    assert found != "broken"
    assert [
        one for one in (SUBJECT, "order floods", "team.errors", TARGET) if one in body and one not in asked
    ] == []


def test_every_address_has_its_line():
    listed = {(row.values[0], row.values[1]) for row in rows()}
    missing = [
        f"{method} {address}"
        for address, methods in addresses(get_resolver().url_patterns)
        for method in methods or ["get or post"]
        if not {(name, address) for name in method.split(" or ")} & listed
    ]
    assert missing == []
    known = {address for address, _ in addresses(get_resolver().url_patterns)}
    assert sorted({address for _, address in listed} - known) == []
