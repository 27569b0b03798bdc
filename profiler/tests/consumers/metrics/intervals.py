"""Made-up intervals, and what they come to."""

import copy
import json
import random
from collections import defaultdict

METRICS = ["on_cpu", "runqueue_wait", "blocked", "preempted", "minor_fault", "major_fault"]
STATES = ["on_cpu", "runqueue_wait", "blocked", "preempted", "runnable_idle", "throttled", "unattributed_wait"]

# From here on (2^42 ns) a sample is measured without a bucket.
LIMIT_NS = 1 << 42

# Processes, some with names that need care.
GROUPS = [
    {"selector": "web", "process": "nginx", "pid": None, "thread": None},
    {"selector": "web", "process": "php-fpm8.2", "pid": None, "thread": None},
    {"selector": "odd", "process": 'with "quotes"', "pid": 4242, "thread": "back\\slash"},
    {"selector": "odd", "process": "zwölf", "pid": 7, "thread": "line\nbreak"},
    {"selector": "all", "process": None, "pid": None, "thread": None},
]


class Intervals:
    """Lists of groups, an interval each."""

    def __init__(self, intervals):
        self.intervals = intervals

    @classmethod
    def made_up(cls):
        """Always the same: durations over all octaves, and those beside the bounds."""
        chance = random.Random(1)
        return cls([[group(chance, key) for key in GROUPS] for _ in range(3)])

    def with_one_more(self):
        """A copy with one sample more: what a check must not take for the same."""
        intervals = copy.deepcopy(self.intervals)
        intervals[-1][0]["samples"]["blocked"].append(1_000_000)
        return Intervals(intervals)

    def write(self, path):
        path.write_text(json.dumps(self.intervals), encoding="utf-8")

    def samples(self):
        """All samples by (labels, metric)."""
        samples = defaultdict(list)
        for group in self.groups():
            for metric, durations in group["samples"].items():
                samples[labels(group), metric] += durations
        return samples

    def as_counted(self):
        """A copy in which what was measured without a bucket is as long as the longest of its interval."""
        intervals = copy.deepcopy(self.intervals)
        for samples in (group["samples"] for interval in intervals for group in interval):
            for metric, durations in samples.items():
                longest = max(durations)
                samples[metric] = [longest if duration >= LIMIT_NS else duration for duration in durations]
        return Intervals(intervals)

    def states(self):
        """The time in ns by (labels, state)."""
        times = defaultdict(int)
        for group in self.groups():
            for state in STATES:
                times[labels(group), state] += group["states"][f"{state}_ns"]
        return times

    def threads(self):
        """Those of the last interval, by labels."""
        return {labels(group): group["threads"] for group in self.intervals[-1]}

    def groups(self):
        return [group for interval in self.intervals for group in interval]


def labels(group):
    """The labels of a group: what it has no part of has no label."""
    names = ["selector", "process", "pid", "thread"]
    return frozenset((name, str(group[name])) for name in names if group[name] is not None)


def group(chance, key):
    samples = {metric: durations(chance) for metric in METRICS}
    states = {f"{state}_ns": chance.randrange(1 << 40) for state in STATES}
    return {**key, "threads": chance.randrange(1, 100), "states": states, "samples": samples}


def durations(chance):
    spread = [chance.randrange(1 << chance.randrange(1, 44)) for _ in range(300)]
    beside = [(1 << bits) + by for bits in range(10, 42, 2) for by in (-1, 0, 1)]
    return [0, *spread, *beside]
