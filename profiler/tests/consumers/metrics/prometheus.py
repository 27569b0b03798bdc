"""What Prometheus reads from a scrape: its checkers, and the server with its query API."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from fractions import Fraction

from intervals import METRICS
from prometheus_client.openmetrics.parser import text_string_to_metric_families

# The two forms of the text.
PLAIN = "text/plain"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"

# For starting, and for the first scrapes.
PATIENCE_S = 60

CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: profiler
    static_configs: [{{targets: ["{target}"]}}]
"""

# Of what Grafana puts in for its own variables.
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h"}


def texts(source):
    """What `promtool check metrics` finds in the one form of the text, and the reference parser in the other."""
    problems = []
    text = fetch(source, PLAIN, problems)
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    problems += (checked.stdout + checked.stderr).splitlines()
    if checked.returncode:
        problems.append(f"promtool: exit code {checked.returncode}")
    try:
        families = list(text_string_to_metric_families(fetch(source, OPEN_METRICS, problems)))
        problems += [f"{family.name} has no help" for family in families if not family.documentation]
    except ValueError as error:
        problems.append(f"no OpenMetrics: {error}")
    return problems


def fetch(source, accept, problems):
    request = urllib.request.Request(f"http://{source.address}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        kind = response.headers["Content-Type"]
        if not kind.startswith(accept):
            problems.append(f"asked for {accept}, got {kind}")
        return response.read().decode()


class Server:
    """A Prometheus that scrapes the target, as long as the block lasts."""

    def __init__(self, folder, target):
        self.folder = folder / "prometheus"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.config = self.folder / "prometheus.yml"
        self.config.write_text(CONFIG.format(target=target), encoding="utf-8")

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:{}".format(free.getsockname()[1])
        self.url = f"http://{address}/api/v1"
        command = ["prometheus", f"--config.file={self.config}", f"--web.listen-address={address}"]
        command += [f"--storage.tsdb.path={self.folder / 'data'}", "--log.level=warn"]
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        try:
            # Two scrapes, so that there are rates.
            self.wait_for("count_over_time(up[1m]) >= 3 and up == 1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)
        self.log.close()

    def wait_for(self, query):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"Prometheus ended; see {self.folder / 'log'}")
            try:
                if self.query(query):
                    return
            except OSError:
                pass
            time.sleep(0.2)
        targets = self.get("targets") if self.process.poll() is None else None
        raise RuntimeError(f"Prometheus did not scrape within {PATIENCE_S} s: {targets}")

    def get(self, path, **parameters):
        url = f"{self.url}/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from error

    def query(self, query):
        """The values by their labels."""
        values = {}
        for series in self.get("query", query=query)["result"]:
            labels = {name: value for name, value in series["metric"].items() if name not in OWN_LABELS}
            values[frozenset(labels.items())] = series["value"][1]
        return values

    def counts(self, expected):
        """Every series against the intervals."""
        wanted = {}
        for (labels, metric), samples in expected.samples().items():
            name = f"profiler_{metric}_seconds"
            wanted.setdefault(f"{name}_count", {})[labels] = len(samples)
            wanted.setdefault(f"{name}_sum", {})[labels] = seconds(sum(samples))
        for (labels, state), time_ns in expected.states().items():
            series = wanted.setdefault("profiler_state_seconds_total", {})
            series[labels | {("state", state)}] = seconds(time_ns)
        wanted["profiler_threads"] = expected.threads()
        problems = []
        for name, series in wanted.items():
            found = {labels: float(value) for labels, value in self.query(name).items()}
            problems += differences(name, found, series)
        for metric in METRICS:
            problems += self.buckets(metric, expected)
        return problems

    def buckets(self, metric, expected):
        """Every bucket against the samples that are not longer than its bound."""
        name = f"profiler_{metric}_seconds_bucket"
        found = {labels: float(value) for labels, value in self.query(name).items()}
        series = {}
        for labels in found:
            rest = frozenset(label for label in labels if label[0] != "le")
            bound = dict(labels)["le"]
            limit = float("inf") if bound == "+Inf" else Fraction(bound) * 1_000_000_000
            samples = expected.samples()[rest, metric]
            series[labels] = sum(sample <= limit for sample in samples)
        problems = differences(name, found, series)
        groups = {labels for labels, of in expected.samples() if of == metric}
        if len(found) != 17 * len(groups):
            problems.append(f"{name}: {len(found)} series of {len(groups)} groups")
        return problems

    def dashboard(self, path):
        """Whether each query of a dashboard can be asked, and finds something."""
        problems = []
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        targets = [(panel["title"], target) for panel in dashboard["panels"] for target in panel.get("targets", [])]
        for title, target in targets:
            query = filled(target["expr"])
            try:
                found = self.query(query)
            except ValueError as error:
                problems.append(f"{title}: {error}: {query}")
                continue
            # The source that is scraped pushes nothing.
            if not found and "otlp" not in query:
                problems.append(f"{title}: finds nothing: {query}")
        if not targets:
            problems.append("no queries")
        return problems


OWN_LABELS = {"__name__", "instance", "job"}


def seconds(nanoseconds):
    return nanoseconds / 1e9


def filled(query):
    """With what Grafana puts in for variables: everything."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return re.sub(r"\$\w+", ".*", query)


def differences(name, found, wanted):
    problems = [f"{name}: {sorted(labels)} is missing" for labels in wanted.keys() - found.keys()]
    problems += [f"{name}: {sorted(labels)} was not recorded" for labels in found.keys() - wanted.keys()]
    for labels in wanted.keys() & found.keys():
        if found[labels] != wanted[labels]:
            problems.append(f"{name}: {sorted(labels)}: {found[labels]} instead of {wanted[labels]}")
    return problems
