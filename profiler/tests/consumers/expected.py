"""What profiles say was counted, read from their files and without any of the profiler's code."""

import copy
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class Series(NamedTuple):
    """A thread's samples of one metric. Threads without a slot have no number and no name."""

    run: int
    pid: int | None
    tid: int | None
    start_ns: int | None
    name: str | None
    metric: str


class Expected:
    """Profiles, and what is in them."""

    def __init__(self, profiles):
        self.profiles = profiles

    @classmethod
    def read(cls, paths):
        return cls([json.loads(Path(path).read_text(encoding="utf-8")) for path in paths])

    def with_one_more(self):
        """A copy with one sample more in one bucket: what a check must not take for the same."""
        profiles = copy.deepcopy(self.profiles)
        parts = [profiles[-1], *profiles[-1].get("intervals", [])]
        for part in parts:
            histograms = [one for thread in part["threads"] for one in thread["histograms"].values()]
            for histogram in histograms[-1:]:
                histogram["count"] += 1
                histogram["buckets"][-1]["count"] += 1
        return Expected(profiles)

    def histograms(self):
        """Every histogram of every thread, by its series."""
        for run, profile in enumerate(self.profiles):
            for thread in profile["threads"]:
                for metric, histogram in thread["histograms"].items():
                    yield series(run, thread, metric), histogram
            for metric, histogram in ((profile.get("without_slot") or {}).get("metrics") or {}).items():
                yield Series(run, None, None, None, None, metric), histogram

    def buckets(self):
        """Samples by series, lower and upper bound."""
        return {
            (*one, bucket["low_ns"], bucket["high_ns"]): bucket["count"]
            for one, histogram in self.histograms()
            for bucket in histogram["buckets"]
        }

    def totals(self):
        """Count, sum, smallest and largest by series."""
        fields = ("count", "sum_ns", "min_ns", "max_ns")
        return {one: tuple(histogram[field] for field in fields) for one, histogram in self.histograms()}

    def samples(self):
        """Samples by run and metric, those in no bucket too."""
        samples = Counter()
        for one, histogram in self.histograms():
            samples[one.run, one.metric] += histogram["count"]
        return dict(samples)

    def merged(self, run, metric):
        """The samples of all threads by lower bound."""
        merged = Counter()
        for one, histogram in self.histograms():
            if (one.run, one.metric) == (run, metric):
                merged.update({bucket["low_ns"]: bucket["count"] for bucket in histogram["buckets"]})
        return merged

    def intervals(self):
        """Of each series the intervals in which it has samples, in the order of time: the start in ms since the epoch,
        and samples by lower and upper bound. A run that was not cut is one interval."""
        all_of = {}
        for run, profile in enumerate(self.profiles):
            for start_ms, one, histogram in intervals(run, profile):
                buckets = {(one["low_ns"], one["high_ns"]): one["count"] for one in histogram["buckets"]}
                if buckets:
                    all_of.setdefault(one, []).append((start_ms, buckets))
        return all_of

    def run_of(self, title=None):
        """The run with this title, the workload's name or the program's: that of a single run is not looked at."""
        runs = [profile["run"] for profile in self.profiles]
        names = [run.get("name") or Path(run["command"][0]).name for run in runs]
        return 0 if len(names) == 1 else names.index(title)


def series(run, thread, metric):
    return Series(run, thread["pid"], thread["tid"], thread["start_ns"], thread["name"], metric)


def intervals(run, profile):
    started_ms = milliseconds(profile["run"]["started_at"])
    if not profile.get("intervals"):
        for thread in profile["threads"]:
            for metric, histogram in thread["histograms"].items():
                yield started_ms, series(run, thread, metric), histogram
    for part in profile.get("intervals", []):
        start_ms = started_ms + (part["from_ns"] - profile["run"]["started_ns"]) / 1e6
        for thread in part["threads"]:
            for metric, histogram in thread["histograms"].items():
                yield start_ms, series(run, profile["threads"][thread["thread"]], metric), histogram


def milliseconds(time):
    """Since the epoch, of a time with more digits than Python's have."""
    whole, _, fraction = time.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() * 1e3 + float(f"0.{fraction or 0}") * 1e3


def differences(what, expected, found, most=5):
    """The entries of two dictionaries that are not the same, in words."""
    told = [
        f"{what}: {key}: the profile has {expected.get(key)}, the reader found {found.get(key)}"
        for key in sorted(expected.keys() | found.keys(), key=str)
        if expected.get(key) != found.get(key)
    ]
    if not expected:
        told.append(f"{what}: the profile has nothing to compare with")
    return told[:most]
