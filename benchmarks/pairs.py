"""Pairs a second that one core generates at 128/64 pixels: median and range over batches of fresh scenes.

python benchmarks/pairs.py [--batches 20]
"""

from __future__ import annotations

import argparse
import statistics
import time

import cv2

from compress.data.generated import sample_pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sample_pairs(0, 0, 32)
    rates = []
    for index in range(options.batches):
        begin = time.process_time()
        sample_pairs(1, index, options.batch)
        rates.append(options.batch / (time.process_time() - begin))
    low, high = min(rates), max(rates)
    print(f"{statistics.median(rates):.0f} pairs/s per core (median of {len(rates)} batches; {low:.0f} to {high:.0f})")


if __name__ == "__main__":
    main()
