"""`estafette tariffs`: take a market's price list out as CSV, put an edited one in."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from estafette.cli.output import MISUSED, OK, CommandError, say, say_json, write
from estafette.cli.private import no_option
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, known_market
from estafette.core.accounts.account import MARKETS
from estafette.core.quotes.tariff_file import TariffFileError, price_list_text
from estafette.usecases.quotes.tariffs import export_tariffs, import_tariffs

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
    code = known_market(market)
    text = on_platform(lambda platform: export_tariffs(platform, code))
    if file != "-":
        try:
            Path(file).write_text(text, "utf-8")
        except OSError as error:
            raise _unusable(file, "written", error) from error
        text = "" if json else f"Written to {file}"
    if json:
        say_json({"market": code, "file": file} | ({"csv": text} if text else {}))
    elif file == "-":
        write(text)
    else:
        say(text)
    return OK


@app.command(name="import")
def import_(
    file: Annotated[str, Parameter(allow_leading_hyphen=True, validator=no_option)],
    *,
    market: _Market,
    json: AsJson = False,
) -> int:
    """Put the price list of a CSV file in the place of a market's; all of it or nothing.

    Parameters
    ----------
    file
        The file; - is standard input.
    """
    code = known_market(market)
    try:
        text = sys.stdin.read() if file == "-" else price_list_text(Path(file).read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(file, "read", error) from error
    try:
        count = on_platform(lambda platform: import_tariffs(platform, code, text))
    except TariffFileError as error:
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        raise CommandError(f"{file} is no price list, nothing was changed:\n{problems}") from error
    if json:
        say_json({"market": code, "tariffs": count})
    else:
        say(f"{code} has {count} tariffs now; quotes follow them from this moment")
    return OK


def _unusable(file: str, what: str, error: Exception) -> CommandError:
    return CommandError(f"{file} cannot be {what}: {error}", code="file", exit_code=MISUSED)
