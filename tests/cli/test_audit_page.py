"""The audit on a terminal: a list that fits into a hundred columns, and an entry in full."""

from tests.cli.stage import Command

_ZONES = [zone for name in ("Luanda", "Benguela", "Huíla", "Cabinda") for zone in ("--zone", name)]


def test_the_list_fits_into_a_hundred_columns_and_an_entry_is_shown_whole(
    over_fresh_database: Command,
) -> None:
    run = over_fresh_database
    run("accounts", "create", "a-rather-long-name-of-an-account", "--market", "AO")
    hours = "mon-fri 08:00-18:00, sat 09:00-13:00"
    run("couriers", "create", "rapida", "--market", "AO", *_ZONES, "--hours", hours)
    run("accounts", "set-rate", "a-rather-long-name-of-an-account", "7")
    lines = run("audit", "list").splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 100
    assert "rate_per_second 100 → 7" in lines[1]
    entry = lines[2].split()[2]
    shown = run("audit", "show", entry)
    assert all(zone in shown for zone in ("Luanda", "Huíla", "Cabinda", "sat 09:00-13:00"))
    whole = run("audit", "show", entry, "--json")
    assert whole["act"] == "company.created"
    assert run("audit", "show", whole["id"], "--json") == whole
    assert "there is no such entry" in run("audit", "show", "00000000", code=1)
    assert "is not the id" in run("audit", "show", "%", code=2)
