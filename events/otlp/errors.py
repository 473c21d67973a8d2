"""What can go wrong with a request of OTLP, beside what can go wrong with any body of events.

ProductError
├── NoMetrics             send logs and traces; metrics are read at /metrics
└── UnsupportedType       send application/x-protobuf or application/json
"""

from access.errors import ProductError


class NoMetrics(ProductError):
    kind = "not_found"
    code = "otlp_metrics_not_taken"


class UnsupportedType(ProductError):
    code = "unsupported_media_type"
