"""How fast a search space is sampled and enumerated.

python benchmarks/spaces.py [--space full] [--teacher ostrack256] [--count 10000]
"""

from __future__ import annotations

import argparse
import random
import time
from itertools import islice

from compress.core import describe
from compress.spaces import load_space


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="full")
    parser.add_argument("--teacher", default="ostrack256")
    parser.add_argument("--count", type=int, default=10_000)
    args = parser.parse_args()
    space, teacher, rng = load_space(args.space), describe(args.teacher), random.Random(0)
    start = time.perf_counter()
    sampled = {space.sample(teacher, rng) for _ in range(args.count)}
    middle = time.perf_counter()
    listed = sum(1 for _ in islice(space.enumerate(teacher), args.count))
    end = time.perf_counter()
    print(f"{args.space} over {args.teacher}: {space.combinations(teacher)} combinations")
    print(f"sampled     {args.count} ({len(sampled)} distinct) in {middle - start:.2f} s")
    print(f"enumerated  {listed} distinct in {end - middle:.2f} s")


if __name__ == "__main__":
    main()
