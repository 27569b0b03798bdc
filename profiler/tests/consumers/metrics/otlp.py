"""What the Python messages of OpenTelemetry read from a push."""

import http.server
import math
import threading
from typing import NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from source import Source

# Half the width of a measured bucket, as a share of its lower end: so far from a bound a sample may be counted on its
# other side.
ERROR = 1 / 256


class Setting(NamedTuple):
    """A form in which it is pushed."""

    name: str
    temporality: int
    scale: int | None
    config: str


SETTINGS = [
    Setting("exponential, cumulative", 2, 3, "scale = 3"),
    Setting("exponential, delta", 1, 6, 'scale = 6\ntemporality = "delta"'),
    Setting("explicit, cumulative", 2, None, 'histograms = "explicit"'),
]


def receive(program, folder, intervals, setting):
    """The one request that is pushed at the end."""
    messages = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.append((self.path, self.headers["Content-Type"], body))
            answer = ExportMetricsServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/metrics"
    otlp = f'[metrics.otlp]\nendpoint = "{endpoint}"\ninterval = "1h"\n{setting.config}\n'
    with Source(program, folder, intervals, otlp):
        pass
    server.shutdown()
    [(path, kind, body)] = messages
    if (path, kind) != ("/v1/metrics", "application/x-protobuf"):
        raise RuntimeError(f"pushed to {path} as {kind}")
    return ExportMetricsServiceRequest.FromString(body)


def counts(message, expected, setting):
    """Every data point against the intervals."""
    [resource] = message.resource_metrics
    [scope] = resource.scope_metrics
    metrics = {metric.name: metric for metric in scope.metrics}
    problems = []
    if attributes(resource.resource).get("service.name") != "profiler":
        problems.append(f"the resource is {resource.resource}")
    samples, counted = expected.samples(), expected.as_counted().samples()
    for name in sorted({metric for _, metric in samples}):
        metric = metrics[f"profiler.{name}"]
        data = metric.histogram if setting.scale is None else metric.exponential_histogram
        if (metric.unit, data.aggregation_temporality) != ("s", setting.temporality):
            problems.append(f"{name}: unit {metric.unit}, temporality {data.aggregation_temporality}")
        found = {labels(point): point for point in data.data_points}
        wanted = {of: durations for (of, metric), durations in samples.items() if metric == name}
        if found.keys() != wanted.keys():
            problems.append(f"{name}: {found.keys()} instead of {wanted.keys()}")
            continue
        for of, durations in wanted.items():
            if setting.scale is None:
                found_wrong = explicit(found[of], durations)
            else:
                found_wrong = exponential(found[of], sorted(counted[of, name]))
            where = f"{name} of {sorted(of)}"
            problems += [f"{where}: {problem}" for problem in totals(found[of], durations)]
            problems += [f"{where}: {problem}" for problem in found_wrong]
    problems += numbers("state", metrics["profiler.state"].sum, {
        of | {("state", state)}: time / 1e9 for (of, state), time in expected.states().items()
    })
    problems += numbers("threads", metrics["profiler.threads"].gauge, expected.threads())
    return problems


def totals(point, durations):
    wanted = (len(durations), sum(durations) / 1e9, min(durations) / 1e9, max(durations) / 1e9)
    found = (point.count, point.sum, point.min, point.max)
    if found != wanted:
        yield f"count, sum, min and max are {found} instead of {wanted}"
    if not point.start_time_unix_nano < point.time_unix_nano:
        yield f"from {point.start_time_unix_nano} to {point.time_unix_nano}"


def explicit(point, durations):
    """Every bucket exactly."""
    below = 0
    for bound, count in zip(list(point.explicit_bounds) + [math.inf], point.bucket_counts, strict=True):
        below += count
        wanted = sum(duration / 1e9 <= bound for duration in durations)
        if below != wanted:
            yield f"{below} instead of {wanted} up to {bound} s"


def exponential(point, durations):
    """No sample is missing, and none is further from its bucket than the error that is stated."""
    if point.zero_count != sum(duration == 0 for duration in durations):
        yield f"{point.zero_count} samples of 0"
    base = 2 ** 2**-point.scale
    counts = point.positive.bucket_counts
    in_order = [
        point.positive.offset + place for place, count in enumerate(counts) for _ in range(count)
    ]
    durations = [duration for duration in durations if duration > 0]
    if len(in_order) != len(durations):
        yield f"{len(in_order)} samples in buckets instead of {len(durations)}"
        return
    for bucket, duration in zip(in_order, durations):
        low, high = base**bucket, base ** (bucket + 1)
        if not low * (1 - ERROR) <= duration / 1e9 <= high * (1 + ERROR):
            yield f"{duration} ns is in the bucket from {low} to {high} s"


def numbers(name, data, wanted):
    found = {labels(point): point.as_double or point.as_int for point in data.data_points}
    if found != wanted:
        yield f"{name}: {found} instead of {wanted}"


def labels(point):
    return frozenset(attributes(point).items())


def attributes(owner):
    return {
        one.key: str(one.value.int_value) if one.value.HasField("int_value") else one.value.string_value
        for one in owner.attributes
    }
