"""Reads the first COUNT pages of FILE through a mapping, one byte of each (Rust has no safe mapping of files)."""

import mmap
import sys

with open(sys.argv[1], "rb") as file:
    pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
pages.madvise(mmap.MADV_RANDOM)  # no read-ahead: each page is a fault of its own
for page in range(int(sys.argv[2])):
    assert pages[page * mmap.PAGESIZE] == 1
