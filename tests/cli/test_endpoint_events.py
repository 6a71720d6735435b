"""Which events an endpoint is told of, chosen by a command."""

from uuid import uuid4

from tests.cli.stage import Command


def test_an_endpoint_is_told_of_the_events_that_a_command_names(over_database: Command) -> None:
    account = f"events-{uuid4().hex[:12]}"
    over_database("accounts", "create", account, "--market", "KZ", "--json")

    def events(chosen: str) -> object:
        of = ("webhooks", "set", "--account", account, "--json", "--events", chosen)
        return over_database(*of)["events"]

    assert events("delivery.delivered, delivery.created") == [
        *("delivery.created", "delivery.delivered")
    ]
    assert events("all") is None
