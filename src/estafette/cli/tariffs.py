"""`estafette tariffs`: take a market's price list out as CSV, put an edited one in."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from estafette.cli.output import OK, CommandError, say, say_json
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson
from estafette.core.account import MARKETS
from estafette.core.tariff_file import TariffFileError
from estafette.usecases.tariffs import export_tariffs, import_tariffs

app = App(name="tariffs", help="Take a market's price list out as CSV, put an edited one in.")

_Market = Annotated[str, Parameter(name="--market", help=f"One of {', '.join(MARKETS)}.")]


@app.command
def export(file: str = "-", *, market: _Market, json: AsJson = False) -> int:
    """Write the price list of a market as CSV.

    Parameters
    ----------
    file
        Where to; - is the terminal.
    """
    text = on_platform(lambda platform: export_tariffs(platform, market.upper()))
    if file != "-":
        Path(file).write_text(text, "utf-8")
        text = "" if json else f"Written to {file}"
    if json:
        say_json({"market": market.upper(), "file": file} | ({"csv": text} if text else {}))
    else:
        say(text.rstrip("\n"))
    return OK


@app.command(name="import")
def import_(file: str, *, market: _Market, json: AsJson = False) -> int:
    """Put the price list of a CSV file in the place of a market's; all of it or nothing.

    Parameters
    ----------
    file
        The file; - is standard input.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}", code="file", exit_code=2) from error
    try:
        count = on_platform(lambda platform: import_tariffs(platform, market.upper(), text))
    except TariffFileError as error:
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        raise CommandError(f"{file} is no price list, nothing was changed:\n{problems}") from error
    if json:
        say_json({"market": market.upper(), "tariffs": count})
    else:
        say(f"{market.upper()} has {count} tariffs now; quotes follow them from this moment")
    return OK
