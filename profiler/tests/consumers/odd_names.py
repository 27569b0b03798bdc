"""Threads whose names readers stumble over, each with a few waits: what is recorded for the checks."""

import ctypes
import threading
import time

PR_SET_NAME = 15

NAMES = [
    b"a,b; \"c\" 'd'",
    b"two\nlines\t\x1b[1m",
    b"\xff\xfe not UTF-8",
    b"_&%#{}$~^\\<>|",
    "größe 中 µ".encode(),
    b"=1+1",
    b"NA",
    b"",
]

WAITS = 60


def work(name):
    ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)
    for _ in range(WAITS):
        time.sleep(0.01)
        sum(range(20_000))


threads = [threading.Thread(target=work, args=(name,)) for name in NAMES]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
