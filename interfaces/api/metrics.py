"""What the API counts about itself, in Prometheus' terms. Labels are operation ids and statuses, never data."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
ANSWERS = Counter("lastro_api_answers", "Answers by operation and status.", ("operation", "status"), registry=REGISTRY)
SECONDS = Histogram(
    "lastro_api_seconds",
    "Time from request to answer.",
    ("operation",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
WAITING = Gauge("lastro_committer_waiting", "Commands submitted and not yet answered.", registry=REGISTRY)
COMMANDS = Gauge("lastro_committer_commands", "Commands committed since the process started.", registry=REGISTRY)
LOSSES = Gauge("lastro_committer_losses", "Groups that had to be decided again.", registry=REGISTRY)
FINANCE_POSITION = Gauge(
    "lastro_finance_log_position", "The log position of the last complete finance build.", registry=REGISTRY
)
FINANCE_BUILT = Gauge(
    "lastro_finance_built_seconds", "When it ended, in seconds since 1970; 0 where there is none.", registry=REGISTRY
)
FINANCE_SOUND = Gauge("lastro_finance_sound", "1 where it was checked and every check held.", registry=REGISTRY)
HEAD = Gauge("lastro_log_position", "The last log position.", registry=REGISTRY)
FOLLOWER_POSITION = Gauge(
    "lastro_follower_log_position", "How far a part of the worker has read.", ("kind", "name"), registry=REGISTRY
)
FOLLOWER_LAG = Gauge("lastro_follower_lag_seconds", "Its worst recent delay.", ("kind", "name"), registry=REGISTRY)
FOLLOWER_RUNNING = Gauge(
    "lastro_follower_running", "1 while it reports and runs, 0 when it stopped.", ("kind", "name"), registry=REGISTRY
)
FOLLOWER_WAITS = Gauge(
    "lastro_follower_waits",
    "1 while it asks again for an outcome it does not know.",
    ("kind", "name"),
    registry=REGISTRY,
)
