import atexit
import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

_django = get_wsgi_application()

from registry.fastpath import FastPath  # noqa: E402 -- models can be imported only after Django is set up
from registry.fetches import flush_quietly, flush_regularly  # noqa: E402
from registry.spread import Loads, Spread  # noqa: E402
from registry.whole_body import WholeBody  # noqa: E402

# By name, because the events lie above the registry.
_FastIngest = import_string("events.fast_ingest.FastIngest")
_loads = Loads(settings.ONEX_HOME / "web-loads", server=os.getppid(), process=os.getpid())
application = Spread(FastPath(_FastIngest(WholeBody(_django))), _loads)
flush_regularly()
import_string("events.doors.say_regularly")()
atexit.register(flush_quietly)
# Every view with all that it imports, which the first request would load otherwise.
_ = get_resolver().url_patterns
# What was loaded stays. A full garbage collection that looks through it all makes a request wait for a tenth of a second,
# and comes about with every fiftieth search.
gc.collect()
gc.freeze()
# A batch of events makes thousands of objects that live until it is answered; by default every 700 were looked through.
gc.set_threshold(25_000, 20, 20)
