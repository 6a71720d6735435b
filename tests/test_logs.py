"""What reaches the logs, and what never does."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
import structlog

from estafette.logs import lines as logs
from estafette.usecases.accounts.secrets import new_token


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Logging belongs to the whole process: put it back."""
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    kept = structlog.get_config()
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook = hook
    structlog.configure(**kept)


def _lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_process_and_request_id() -> None:
    out = io.StringIO()
    logs.configure("info", "json", process="server", stream=out)
    logs.get().info("answered", status=201, duration_ms=3, request_id="req-1")
    (line,) = _lines(out)
    assert line["timestamp"].endswith("Z")
    assert {name: line[name] for name in line if name != "timestamp"} == {
        "process": "server",
        "event": "answered",
        "status": 201,
        "duration_ms": 3,
        "request_id": "req-1",
        "level": "info",
    }


def test_what_a_command_logs_is_not_among_what_it_prints() -> None:
    logs_something = "from estafette.logs import Logger; Logger().warning('trouble', failures=2)"
    ended = subprocess.run(
        [sys.executable, "-c", logs_something], capture_output=True, text=True, check=True
    )
    assert ended.stdout == ""
    line = json.loads(ended.stderr)
    assert (line["event"], line["level"], line["failures"]) == ("trouble", "warning", 2)


def test_lines_below_the_level_are_left_out() -> None:
    out = io.StringIO()
    logs.configure("warning", "json", stream=out)
    logs.get().info("quiet")
    logging.getLogger("aiohttp.client").info("quiet too")
    logs.get().warning("heard")
    assert [line["event"] for line in _lines(out)] == ["heard"]


def test_libraries_log_in_the_same_form() -> None:
    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    logging.getLogger("uvicorn.error").error("could not bind %s", "x")
    (line,) = _lines(out)
    assert (line["event"], line["logger"], line["level"]) == (
        "could not bind x",
        "uvicorn.error",
        "error",
    )


@pytest.mark.parametrize(
    "field",
    [
        "api_key",
        "x-entrega-signature",
        "x-api-key",
        "Authorization",
        "webhookSecret",
        "name",
        "phone",
        "phone_e164",
        "address",
        "notes",
        "dropoff",
        "externalOrderId",
        "latitude",
        "longitude",
        "pickup",
        "customer",
        "recipient",
        "email",
        "comment",
        "description",
        "payload",
        "body",
        "password",
        "cookie",
        "dsn",
        "idempotency-key",
        "token",
        "hash",
    ],
)
def test_a_field_with_a_secret_or_personal_data_is_blanked_at_any_depth(field: str) -> None:
    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    logs.get().info("created", **{field: "Abay 10"}, inner=[{field: {"line": "Abay 10"}}])
    logs.get().info("created", **{field: 43238.949}, inner=({field: 43238.949},))
    assert "Abay" not in out.getvalue()
    assert "43238" not in out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(new_token("kd_test_"), id="API key"),
        pytest.param(new_token("whsec_"), id="webhook secret"),
        "+7 727 111 0000",
        "+244923000111",
        "aigerim@example.kz",
        "postgresql://estafette:hunter2secret@db/estafette",
        "https://shop.example/hook?token=hunter2secret",
        "/v1/deliveries?externalOrderId=hunter2secret",
        "x-api-key: hunter2secret",
    ],
)
def test_secrets_and_phones_within_a_text_are_blanked(text: str) -> None:
    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    logs.get().info(f"failed for {text} today", detail=text, more=[text])
    logging.getLogger("asyncio").error("failed for %s", text)
    secret = "hunter2secret" if "hunter2secret" in text else text
    assert secret not in out.getvalue()


def test_what_an_operator_needs_is_not_blanked() -> None:
    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    delivery = "dlv_afkt7zwqhv6yxnq2m3e4r5t6y7"
    who = {"client": "2001:db8::1", "key_id": "0193e2a5-7c1b-7d3f-9a2b-4c5d6e7f8091"}
    logs.get().info("sent", delivery=delivery, host="hooks.shop.example", attempt=2, ok=True, **who)
    (line,) = _lines(out)
    assert line["delivery"] == delivery
    assert {name: line[name] for name in who} == who
    assert (line["host"], line["attempt"], line["ok"]) == ("hooks.shop.example", 2, True)


def test_an_exception_is_told_without_the_values_it_quotes() -> None:
    class Order(pydantic.BaseModel):
        weight: int

    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    address = "Abay 10"
    try:
        Order.model_validate({"weight": address})
    except pydantic.ValidationError:
        logs.get().exception("refused")
    (line,) = _lines(out)
    assert "ValidationError" in line["exception"]
    assert "Abay" not in out.getvalue()


def test_what_postgresql_quotes_of_values_is_blanked() -> None:
    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    refused = (
        "duplicate key value violates unique constraint\n"
        "DETAIL:  Key (name)=(Aigerim) already exists.\nHINT:  none"
    )
    logs.get().error("refused", reason=refused, more=[refused])
    logging.getLogger("asyncio").error(refused)
    try:
        raise ValueError(refused)
    except ValueError:
        logs.get().exception("refused")
    assert "Aigerim" not in out.getvalue()
    assert out.getvalue().count("unique constraint") == out.getvalue().count("HINT:  none") > 3


def test_an_uncaught_error_is_a_line_like_any_other() -> None:
    out = io.StringIO()
    logs.configure("info", "json", stream=out)
    error = RuntimeError("out of luck")
    sys.excepthook(RuntimeError, error, None)
    (line,) = _lines(out)
    assert line["level"] == "critical"
    assert "out of luck" in line["exception"]


def test_a_terminal_gets_lines_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    logs.configure("info", "auto", stream=out)
    logs.get().info("ready", port=8000)
    assert "ready" in out.getvalue()
    assert "{" not in out.getvalue()


def test_a_long_text_is_cut_and_what_is_left_holds_no_secret() -> None:
    key = new_token("kd_live_")
    for at in range(4_000, 4_200, 7):  # about where the text is cut
        line = f"{'x ' * (at // 2)}{key} {'y' * 100_000}\nDETAIL: Teresa {'z ' * 9_000}\nthe end"
        (told,) = logs.redact(None, "info", {"error": line}).values()
        assert len(told) < logs.TEXT_LIMIT
        assert "characters in all" in told
        assert told.endswith("the end")
        for secret in (key[8:20], key[-12:], "Teresa", "z z"):
            assert secret not in told


def test_a_value_that_pydantic_quotes_is_blanked_also_where_the_text_ends_in_it() -> None:
    told = logs.redact(None, "info", {"error": "type=x, input_value='Teresa M."})
    assert told == {"error": "type=x, input_value=…"}
