"""`estafette up`, from nothing to the end, with real processes."""

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stage import END_SECONDS, Up, estafette, is_alive, running_up
from tests.folders import own_folder
from tests.patience import await_until


def _create(demo: Any, order: str) -> dict[str, Any]:
    place = {
        "address": "21 Zhibek Zholy, Almaty",
        "contact": {"name": "A", "phone": "+7 727 111 0000"},
    }
    body = {
        "externalOrderId": order,
        "pickup": place,
        "dropoff": place,
        "parcel": {"description": "Books", "weightGrams": 1200, "valueKzt": 5000},
    }
    request = urllib.request.Request(
        f"{demo['base_url']}/delivery/v1/deliveries",
        json.dumps(body).encode(),
        {
            "x-api-key": demo["accounts"]["kaspi"]["api_key"],
            "Content-Type": "application/json",
            "Idempotency-Key": order,
        },
    )
    with urllib.request.urlopen(request, timeout=END_SECONDS) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """A running `up`, one for these tests: a start takes seconds."""
    with own_folder() as folder, running_up(folder / "data", hang_seconds="5") as running:
        yield running


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[], Up]]:
    """Starts an `up` over the test's folder; none of them outlives the test."""
    started: list[Up] = []

    def begin() -> Up:
        started.append(Up(folder / "data"))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.end()
        running.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test alone."""
    with own_folder() as folder:
        yield folder


def test_it_comes_up_from_nothing_and_finds_everything_again_after_an_end_and_after_a_kill(
    folder: Path, start: Callable[[], Up]
) -> None:
    first = start().await_ready()
    demo = first.demo
    created = _create(demo, "ORD-1")
    children = first.children()
    assert set(children) == {"serve", "worker", "postgres"}
    assert set(demo) == {"base_url", "accounts", "people"}
    assert set(demo["people"]) == {"office", "kaspi", "entrega"}
    links = [each["url"] for each in demo["people"].values()]
    assert all(url.startswith(f"{demo['base_url']}/invitation/") for url in links)
    assert set(demo["accounts"]["kaspi"]) == {"api_key", "webhook_secret"}
    for private in ("demo.json", "run.json", "demo-keys.json", "secret.key"):
        assert (folder / "data" / private).stat().st_mode & 0o777 == 0o600

    assert first.end(signal.SIGINT) == 0
    assert not any(map(is_alive, children.values()))
    assert not (folder / "data" / "demo.json").exists()
    assert not (folder / "data" / "run.json").exists()

    second = start().await_ready()
    assert second.said == []
    assert second.demo["accounts"] == demo["accounts"]
    replayed = _create({**demo, "base_url": second.demo["base_url"]}, "ORD-1")
    assert replayed["deliveryId"] == created["deliveryId"]
    children = second.children()
    assert second.end(signal.SIGKILL) == -signal.SIGKILL
    await_until(lambda: not is_alive(children["serve"]) and not is_alive(children["worker"]))

    third = start().await_ready()
    assert not is_alive(children["postgres"])
    assert third.demo["accounts"] == demo["accounts"]
    assert third.end(signal.SIGTERM) == 0


def test_metrics_of_server_and_worker_are_on_a_port_of_their_own(up: Up) -> None:
    for process in ("server", "worker"):  # which need not be ready at the same time
        await_until(
            lambda process=process: f'lag_seconds_count{{process="{process}"}}' in _metrics(up)
        )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{up.demo['base_url']}/metrics", timeout=END_SECONDS)
    refused.value.close()
    assert refused.value.code == 404


def _metrics(up: Up) -> str:
    with urllib.request.urlopen(up.ready["metrics_url"], timeout=END_SECONDS) as answer:
        return answer.read().decode()


def test_a_crashed_child_is_started_again(up: Up) -> None:
    worker = up.children()["worker"]
    os.kill(worker, signal.SIGKILL)
    up.await_said("`worker` was ended by SIGKILL; starting it again")
    await_until(lambda: up.children().get("worker", worker) != worker)


@pytest.mark.parametrize("name", ["serve", "worker"])
def test_a_child_that_hangs_is_replaced(up: Up, name: str) -> None:
    hanging = up.children()[name]
    os.kill(hanging, signal.SIGSTOP)
    up.await_said(f"`{name}` has not answered for")
    up.await_said(f"`{name}` was ended by SIGKILL; starting it again")
    await_until(lambda: up.children().get(name, hanging) != hanging)
    if name == "serve":
        await_until(lambda: _is_ready(up))


def _is_ready(up: Up) -> bool:
    try:
        with urllib.request.urlopen(f"{up.demo['base_url']}/readyz", timeout=END_SECONDS) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


def test_a_crashed_postgresql_is_started_again(up: Up) -> None:
    os.kill(up.children()["postgres"], signal.SIGKILL)
    up.await_said("PostgreSQL was ended by SIGKILL; starting it again")
    await_until(lambda: _is_ready(up))


def test_a_second_one_over_the_same_folder_is_refused(up: Up) -> None:
    refused = estafette(up.data_dir, "up")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: another `estafette up` runs over")
    assert up.demo["base_url"]  # the first one's files are untouched


def test_a_taken_port_is_told_before_anything_starts(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = estafette(folder / "data", "up", port=str(port))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: cannot listen on 127.0.0.1 port {port}: ")
    assert "ESTAFETTE_PORT=8001" in refused.stderr
    assert not (folder / "data" / "postgres").exists()


def test_a_wrong_setting_ends_it_with_one_line(folder: Path) -> None:
    refused = estafette(folder / "data", "up", port="eighty")
    assert refused.returncode == 2
    assert refused.stderr == (
        "error: wrong setting ESTAFETTE_PORT = 'eighty': must be a whole number from 0 to 65535\n"
    )


def test_a_data_folder_that_cannot_be_one_is_told(folder: Path) -> None:
    file = folder / "file"
    file.touch()
    told = estafette(file, "up")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith(f"error: {file}: File exists; ")
    assert "ESTAFETTE_DATA_DIR chooses another" in told.stderr


def test_stopping_it_while_it_starts_leaves_nothing_running(start: Callable[[], Up]) -> None:
    starting = start()
    await_until(lambda: "postgres" in starting.children() or starting.process.poll() is not None)
    children = starting.children()
    assert starting.end(signal.SIGTERM) == 0
    assert not any(map(is_alive, children.values()))
