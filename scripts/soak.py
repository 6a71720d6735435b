"""Breaks things at random for as long as is asked for: round after round, each by its own seed.

A round kills, freezes and stops servers, workers, databases and what is between two Estafettes,
under load, and asks whether what was acknowledged is there once: the tests named below. Its seed is
told before it begins, and `make soak SEED=…` makes it again.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "tests" / "faults"
TESTS = (
    "test_restarts.py",
    "test_chain.py",
    "test_ledger.py",
    "test_ledger_of_drivers.py",
    "test_crash_between_write_and_reply.py",
)
ROUND_SECONDS = 1200


def main() -> int:
    """Runs rounds until the minutes are over, or the one of a seed; returns 0 when all held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, help="makes the round of this seed, and no other")
    asked = parser.parse_args()
    if asked.seed is not None:
        return 0 if _holds(asked.seed) else 1
    ends_at = time.monotonic() + asked.minutes * 60
    rounds, broken = 0, list[int]()
    while time.monotonic() < ends_at:
        seed = random.randrange(1, 10**9)
        rounds += 1
        if not _holds(seed):
            broken.append(seed)
    print(f"{rounds} rounds, {len(broken)} broken")
    for seed in broken:
        print(f"make soak SEED={seed}")
    return 1 if broken else 0


def _holds(seed: int) -> bool:
    """Makes the round of a seed; tells what failed."""
    print(f"seed {seed} …", end=" ", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", *(str(FAULTS / name) for name in TESTS)],
        cwd=ROOT,
        env={**os.environ, "ESTAFETTE_TEST_SEED": str(seed)},
        timeout=ROUND_SECONDS,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    print(f"{'held' if done.returncode == 0 else 'BROKEN'}, {time.monotonic() - began:.0f} s")
    if done.returncode:
        print(done.stdout, done.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
