"""`python -m bench`: measures, prints a table, writes `bench/last.json`."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench import (
    aged_vs_fresh,
    board_move_seen_ms,
    city_day_km,
    city_day_live,
    console_p99_ms,
    console_search_p99_ms,
    create_beside_positions,
    create_p99_ms,
    create_vs_pgbench,
    create_with_offers,
    dispatch_decision_ms,
    event_loop_lag,
    generator_vs_constant,
    get_vs_constant,
    idle_rss_mb,
    import_10000_seconds,
    li_lim,
    list_first_page,
    open_streams,
    order_vs_pgbench,
    positions_p99_ms,
    quiet,
    quote_with_hanging,
    quotes_vs_pgbench,
    report,
    search_cost,
    search_rare,
    tenant_p99_shift,
    webhook_vs_bare_loop,
)
from bench.plan import FULL, QUICK, Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage, stage
from estafette.up.postgres import EmbeddedPostgresError

LAST = Path(__file__).parent / "last.json"

FIGURES: dict[str, Callable[[Stage, Plan], Awaitable[Figure]]] = {
    module.NAME: module.measure
    for module in (
        create_vs_pgbench,
        create_p99_ms,
        positions_p99_ms,
        create_beside_positions,
        get_vs_constant,
        generator_vs_constant,
        webhook_vs_bare_loop,
        idle_rss_mb,
        quotes_vs_pgbench,
        order_vs_pgbench,
        quote_with_hanging,
        list_first_page,
        search_rare,
        search_cost,
        tenant_p99_shift,
        event_loop_lag,
        aged_vs_fresh,
        console_p99_ms,
        console_search_p99_ms,
        import_10000_seconds,
        open_streams,
        board_move_seen_ms,
        create_with_offers,
        dispatch_decision_ms,
        city_day_km,
        city_day_live,
        li_lim,
    )
}
"""The figures in the order in which they are measured."""


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(FIGURES), help="this figure (may be repeated)"
    )
    parser.add_argument("--quick", action="store_true", help="shorter and less exact")
    parser.add_argument(
        "--history", type=int, help="how many deliveries an aged database has, of all accounts"
    )
    parser.add_argument("--pdptw", type=Path, help="the folder of Li & Lim's problems")
    parser.add_argument(
        "--live-day",
        type=int,
        nargs=2,
        metavar=("DELIVERIES", "DRIVERS"),
        help="how large the city's day through the database is",
    )
    parser.add_argument("--strict", action="store_true", help="fail when a reach is missed")
    options = parser.parse_args(arguments)
    names = [name for name in FIGURES if not options.only or name in options.only]
    try:
        plan = QUICK if options.quick else FULL
        if options.history:
            plan = replace(plan, history=options.history)
        if options.live_day:
            plan = replace(plan, live_day=tuple(options.live_day))
        plan = replace(plan, pdptw=options.pdptw)
        figures = asyncio.run(_measured(names, plan))
    except (BenchError, EmbeddedPostgresError) as error:
        say(f"error: {error}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("Stopped; everything that was started has ended")
        return 130
    report.write(LAST, figures)
    print(report.table(figures))
    missed = [figure.name for figure in figures if not figure.ok]
    return 1 if missed and options.strict else 0


async def _measured(names: Sequence[str], plan: Plan) -> list[Figure]:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    began = time.monotonic()
    figures: list[Figure] = []
    say("Setting up a database, a server and a receiver")
    async with stage() as ready:
        for name in names:
            busy = await quiet.used_by_others()
            say(f"Measuring {name}")
            if busy is not None and busy > quiet.BUSY:
                say(f"  other programs use {busy:.0%} of this machine: expect less than it can do")
            figure = await FIGURES[name](ready, plan)
            figures.append(replace(figure, detail={**figure.detail, "used_by_others": busy}))
    say(f"Measured in {time.monotonic() - began:.0f} s\n")
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
