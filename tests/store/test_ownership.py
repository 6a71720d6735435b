"""One file owns a table and every statement on it: see docs/decisions/0053."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parents[2] / "src" / "estafette"
STORE = SOURCES / "store"
GUIDE = SOURCES.parents[1] / "docs/operations.md"

OWNERS = {
    "accounts": ["accounts/table.py"],
    "api_keys": ["accounts/keys.py"],
    "key_uses": ["accounts/keys.py"],
    "page_tallies": ["accounts/page_tallies.py"],
    "api_requests": ["accounts/request_log.py"],
    "api_request_gaps": ["accounts/request_log.py"],
    "audit": ["audit.py"],
    "chores": ["chores.py"],
    "data_keys": ["data_keys.py"],
    "migrations": ["migrate.py"],
    "upkeep": ["ends.py"],
    "people": ["people/table.py"],
    "memberships": ["people/memberships.py"],
    "invitations": ["people/invitations.py"],
    "sessions": ["people/sessions.py"],
    "totp_secrets": ["people/second_factors.py"],
    "recovery_codes": ["people/second_factors.py"],
    "passkeys": ["people/passkeys.py"],
    "passkey_challenges": ["people/passkeys.py"],
    "sign_in_tallies": ["people/tallies.py"],
    "operator_keys": ["people/operator_keys.py"],
    "operator_answers": ["people/operator_keys.py"],
    "companies": ["couriers/companies.py"],
    "company_links": ["couriers/links.py"],
    "carrier_policies": ["couriers/carriers.py"],
    # what time moves is a queue: what is due of it is claimed, and put off, in a file of its own
    "dispatches": ["couriers/dispatches.py", "couriers/due_dispatches.py"],
    "deliveries": ["deliveries/table.py", "deliveries/due_moves.py"],
    "delivery_references": ["deliveries/references.py"],
    "events": ["deliveries/events.py"],
    "daily_tallies": ["deliveries/daily_tallies.py"],
    "daily_tallies_progress": ["deliveries/daily_tallies.py"],
    "idempotency": ["deliveries/idempotency.py"],
    "phone_index": ["deliveries/phone_index.py"],
    "erasures_due": ["deliveries/personal_data.py"],
    "personal_data_progress": ["deliveries/personal_data.py"],
    "delivery_words": ["deliveries/words.py"],
    "delivery_words_progress": ["deliveries/words.py"],
    "imports": ["deliveries/imports.py"],
    "import_rows": ["deliveries/imports.py"],
    "saved_filters": ["deliveries/saved_filters.py"],
    "search_texts": ["deliveries/search_texts.py"],
    "search_grams": ["deliveries/search_texts.py"],
    "search_progress": ["deliveries/search_texts.py"],
    "brandings": ["accounts/brandings.py"],
    "logos": ["accounts/logos.py"],
    "notifications": ["notifications/recipients.py"],
    "letters": ["notifications/letters.py"],
    "ledger_entries": ["money/books.py"],
    "ledger_payments": ["money/books.py"],
    "ledger_closings": ["money/closings.py"],
    "proofs": ["proofs/table.py"],
    "file_removals": ["proofs/removals.py"],
    "dispatching": ["fleet/dispatching.py"],
    "dispatching_decisions": ["fleet/decisions.py"],
    "learned_speeds": ["fleet/learned_speeds.py"],
    "planned_drivers": ["fleet/planned_drivers.py"],
    "driver_cash": ["money/cash.py"],
    "driver_cash_entries": ["money/cash.py"],
    "cash_handovers": ["money/handovers.py"],
    "recipient_words": ["deliveries/recipient_words.py"],
    "address_corrections": ["deliveries/corrections.py"],
    "cities": ["quotes/catalog.py"],
    "tariffs": ["quotes/catalog.py"],
    "quotes": ["quotes/table.py"],
    "sandbox_runs": ["sandbox/plans.py"],
    "provider_identities": ["people/provider_identities.py"],
    "sent_forms": ["people/forms.py"],
    "form_drafts": ["people/forms.py"],
    "drivers": ["fleet/drivers.py"],
    "shifts": ["fleet/shifts.py"],
    "assignments": ["fleet/assignments.py"],
    "tour_stops": ["fleet/tours.py"],
    "positions": ["fleet/positions.py"],
    "position_history": ["fleet/position_history.py"],
    "position_tokens": ["fleet/position_tokens.py"],
    "driver_messages": ["fleet/driver_messages.py"],
    "driver_codes": ["fleet/codes.py"],
    "driver_sessions": ["fleet/sessions.py"],
    "taps": ["fleet/taps.py"],
    "endpoints": ["webhooks/endpoints.py"],
    "endpoint_failures": ["webhooks/failures.py"],
    "endpoint_spells": ["webhooks/spells.py"],
    "replays": ["webhooks/replays.py"],
    # an account's view of its messages, and that of the workers who claim them
    "messages": ["webhooks/messages.py", "webhooks/outbox.py"],
    "attempts": ["webhooks/attempts.py"],
}
"""The file that has every statement on a table; a second one where they are too many for one."""

READ_BESIDES = {
    # A piece of work is claimed with all that its worker needs, in one statement.
    "couriers/due_dispatches.py": {"deliveries", "accounts"},
    "deliveries/due_moves.py": {"accounts"},
    "sandbox/plans.py": {"deliveries", "accounts"},
    "webhooks/outbox.py": {"accounts", "deliveries", "endpoints", "endpoint_failures", "events"},
    "webhooks/survey.py": {"messages", "endpoints", "endpoint_failures"},
    "notifications/recipients.py": {"accounts", "brandings", "deliveries"},
    # Messages are made of events for endpoints, and are over with these.
    "webhooks/messages.py": {"deliveries", "endpoints", "endpoint_failures", "events"},
    "webhooks/endpoints.py": {"messages"},
    # A platform knows a delivery by its id alone, not by whose it is.
    "couriers/dispatches.py": {"deliveries"},
    # A driver is of one mode, and so is where the driver was.
    "fleet/positions.py": {"drivers"},
    # What is shown to people has the names and the numbers of what it is about.
    "webhooks/attempts.py": {"endpoints", "events", "messages"},
    "webhooks/message_counts.py": {"endpoints", "events", "messages"},
    "webhooks/spells.py": {"attempts", "endpoint_failures", "endpoints", "messages"},
    "deliveries/events.py": {"deliveries"},
    "money/books.py": {"companies", "deliveries", "ledger_closings"},
    "money/cash.py": {
        "accounts",
        "assignments",
        "cash_handovers",
        "deliveries",
        "drivers",
        "companies",
    },
    "money/handovers.py": {"drivers"},
    # What one driver has shown counts for that driver alone.
    "proofs/table.py": {"assignments"},
    # Who has cash in hand stays until somebody has counted it.
    "fleet/drivers.py": {"driver_cash"},
    "accounts/keys.py": {"accounts"},
    # Of what was removed meanwhile nothing is written.
    "accounts/request_log.py": {"accounts", "api_keys"},
    "accounts/brandings.py": {"accounts", "logos"},
    # What is of a person goes after the person.
    "old_rows.py": {"people"},
    # A person is read with what they have; what is of a person is read with the person.
    "people/table.py": {"memberships", "passkeys", "totp_secrets"},
    "people/memberships.py": {"people"},
    "people/sessions.py": {"memberships", "people"},
    # A token is read with whether its driver is there, and works.
    "fleet/position_tokens.py": {"drivers", "shifts"},
    # Each is one way to look through deliveries, long enough for a file of its own.
    "deliveries/lists.py": {"deliveries"},
    "deliveries/overview.py": {"accounts", "api_keys", "companies", "deliveries"},
    "deliveries/search.py": {
        *("deliveries", "delivery_references"),
        *("search_grams", "search_progress", "search_texts"),
    },
    "deliveries/under_way.py": {"deliveries"},
    "deliveries/troubles.py": {"deliveries", "dispatches"},
    "deliveries/of_company.py": {"deliveries"},
    "deliveries/newest.py": {"deliveries", "events"},
    "couriers/dispatch_counts.py": {"dispatches"},
    "deliveries/daily_tallies.py": {"accounts", "deliveries", "events"},
    "deliveries/finding.py": {"deliveries", "delivery_words"},
    # The order of work depends on when parcels are wanted.
    "fleet/tours.py": {"deliveries"},
    "fleet/waiting.py": {"assignments", "deliveries"},
    # How fast drivers are is read of all that they have done, in one statement.
    "fleet/finished.py": {"assignments", "deliveries", "drivers", "position_history"},
    # Open pages of recipients are looked at together: one statement finds the couriers of all.
    "fleet/approaching.py": {"assignments", "deliveries", "drivers", "positions", "tour_stops"},
    # What a driver goes to next, and is not known to be on the way to, is found for all at once.
    "fleet/next_stops.py": {"assignments", "deliveries", "positions", "tour_stops"},
    # What was moved without its drivers is found by looking at both at once.
    "fleet/left_behind.py": {"assignments", "deliveries"},
    "sandbox/drivers.py": {
        *("accounts", "assignments", "companies", "deliveries", "drivers"),
        *("positions", "sandbox_runs", "shifts", "tour_stops"),
    },
    # Work that follows deliveries asks how far these have come.
    "deliveries/words.py": {"accounts", "deliveries"},
    "deliveries/search_texts.py": {"delivery_references"},
    "deliveries/personal_data.py": {"deliveries"},
    "deliveries/idempotency.py": {"accounts"},
    "money/closings.py": {"ledger_entries"},
    # Whether an account has ever worked, and what goes with it.
    "accounts/removal.py": {"companies", "deliveries"},
}
"""The tables of others that a file reads, or joins, in statements on its own."""

OF_ANY_TABLE = {
    "columns.py": "statements are made of columns, for the owners",
    "accounts/removal.py": "an account goes with all its rows, of tables that it lists",
    "ends.py": "rows end, of tables whose owners say when",
    "old_rows.py": "rows grow old, of tables whose owners say from which moment",
    "partitions.py": "partitions are made ahead and dropped, of tables that it lists",
    "claims.py": "rows are claimed, of tables whose owners say that they are queues",
}
"""The files whose statements are on tables that they are given, and what for."""

TRIGGERS = {
    "reopen_ledger": {"ledger_closings"},
    "remove_file_of_proof": {"file_removals"},
    "keep_driver_cash": {"driver_cash", "driver_cash_entries"},
}
"""The functions of the database that write: what closes with the books and what each driver has in
hand follow them always, and a file goes with its row, whatever statement removes it."""

WRITE = re.compile(r"\b(?:insert into|update|delete from|truncate|alter table|lock table) (\{|\w+)")
READ = re.compile(r"\b(?:from|join|using) (\w+)")
STATEMENT = re.compile(
    r"^\s*(?:with \w+ as|select\b|insert into \w+|update \w+ (?:as \w+ )?set\b"
    r"|delete from \w+|truncate \w+|create (?:table|index|database|role)\b"
    r"|(?:alter|drop) (?:table|database|role)\b|set local\b|lock table\b|listen \w+|notify \w+)",
    re.IGNORECASE,
)
MADE_BY = {"insertion", "change", "older", "orphaned", "Queue"}
"""What makes statements on the table that it is given first."""


class Touch(NamedTuple):
    """A statement of a file on a table; `{` where the table is given to it."""

    table: str
    file: str
    writes: bool


@cache
def tables() -> frozenset[str]:
    """The tables that the migrations make, their partitions left out."""
    made = re.compile(r"create table (?:if not exists )?(?!if )(\w+)\b(?! partition of)")
    texts = [path.read_text() for path in (STORE / "migrations").glob("*.sql")]
    texts.append((STORE / "migrate.py").read_text())
    return frozenset(name for text in texts for name in made.findall(text))


def texts_of(path: Path) -> Iterator[str]:
    """The texts in a file, docstrings left out; what is put into one stands there as `{}`."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docs | parts:
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(_text(part) for part in node.values)
        elif isinstance(node, ast.Call) and node.args:
            made_by, table = node.func, node.args[0]
            if isinstance(made_by, ast.Name) and made_by.id in MADE_BY:
                yield f"update {_text(table)} set"


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def touched() -> Iterator[Touch]:
    for path in sorted(STORE.rglob("*.py")):
        file = str(path.relative_to(STORE))
        for text in texts_of(path):
            folded = " ".join(text.lower().split())
            for pattern in (WRITE, READ):
                for name in pattern.findall(folded):
                    if name in tables() or name == "{":
                        yield Touch(name, file, writes=pattern is WRITE)


def test_every_table_has_an_owner_and_no_owner_has_a_table_that_is_not_there() -> None:
    assert OWNERS.keys() == tables()


def test_the_operator_reads_of_every_table_when_its_rows_end() -> None:
    text = GUIDE.read_text("utf-8")
    section = text.partition("## What grows, and its end")[2].partition("\n### ")[0]
    assert {name for name in tables() if f"`{name}`" not in section} == set()


def test_each_table_is_written_by_the_file_that_owns_it_alone() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for touch in touched():
        if touch.writes and touch.table != "{":
            found[touch.table].add(touch.file)
    assert found == {table: {*files} for table, files in OWNERS.items()}


def test_a_file_reads_of_other_tables_what_is_named_with_its_reason() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for touch in touched():
        if touch.table != "{" and touch.file not in OWNERS[touch.table]:
            found[touch.file].add(touch.table)
    assert found == READ_BESIDES


def test_statements_on_tables_that_are_given_are_in_few_files() -> None:
    given = {touch.file for touch in touched() if touch.table == "{"}
    assert given <= OF_ANY_TABLE.keys()


def test_functions_of_the_database_write_what_is_named() -> None:
    body = re.compile(r"create (?:or replace )?function (\w+).*?\$\$(.*?)\$\$", re.DOTALL)
    found: dict[str, set[str]] = {}
    for path in sorted((STORE / "migrations").glob("*.sql")):
        for name, text in body.findall(path.read_text()):
            written = set(WRITE.findall(" ".join(text.split()))) & tables()
            if written:
                found[name] = written
    assert found == TRIGGERS


def test_no_statement_is_outside_the_store() -> None:
    found = [
        (str(path.relative_to(SOURCES)), text)
        for path in sorted(SOURCES.rglob("*.py"))
        if STORE not in path.parents and path != SOURCES / "up" / "postgres.py"
        for text in texts_of(path)
        if STATEMENT.match(text)
    ]
    assert found == []
