"""The image, whose steps are carried out in a clean folder, and the containers that use it.

No image is built here: the steps that build it are read from the Containerfile and run one by one,
with another folder in the place of the image's root.
"""

import asyncio
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml

from estafette.settings import PREFIX, SETTINGS, Settings
from tests.deploy.conftest import ROOT
from tests.processes import CIPHER_KEY, free_port

CONTAINERFILE = ROOT / "deploy/Containerfile"
COMPOSE = ROOT / "deploy/compose/compose.yaml"
COMMANDS = {"serve", "worker", "migrate", "--help"}


class Step(NamedTuple):
    """One instruction, with its lines joined."""

    word: str
    rest: str


def _stages() -> list[list[Step]]:
    text = re.sub(r"(?m)^\s*#.*\n", "", CONTAINERFILE.read_text("utf-8"))
    stages: list[list[Step]] = []
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stages.append([])
        elif word:
            stages[-1].append(Step(word, rest.strip()))
    return stages


def _ignored(name: str) -> bool:
    """Whether the image's builder does not get to see a file, as .dockerignore says."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        parts = Path(name).parts
        above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        anywhere = pattern.startswith("**/")
        if any(
            fnmatch.fnmatch(Path(each).name, pattern[3:])
            if anywhere
            else fnmatch.fnmatch(each, pattern)
            for each in above
        ):
            ignored = not line.startswith("!")
    return ignored


def _copied(checkout: Path, pattern: str) -> Iterator[Path]:
    """The files that `COPY` of this takes from the folder that is built from."""
    for found in checkout.glob(pattern):
        for path in [found] if found.is_file() else sorted(found.rglob("*")):
            name = path.relative_to(checkout).as_posix()
            if path.is_file() and not _ignored(name):
                yield path


class Image:
    """A folder in the place of an image's root."""

    def __init__(self, root: Path, checkout: Path) -> None:
        self._root = root
        self._checkout = checkout
        self._workdir = "/"

    def inside(self, path: str) -> Path:
        """Where a path of the image is here."""
        return self._root / path.lstrip("/")

    def carry_out(self, step: Step) -> None:
        """Does what an instruction of the building stage says."""
        if step.word == "WORKDIR":
            self._workdir = step.rest
            self.inside(step.rest).mkdir(parents=True)
        elif step.word == "COPY":
            *sources, target = step.rest.split()
            for source in sources:
                self._copy(source, target)
        elif step.word == "RUN":
            self._run(re.sub(r"(?<![\w.])/opt/", f"{self._root}/opt/", step.rest))
        else:
            assert step.word == "ENV", step

    def _copy(self, source: str, target: str) -> None:
        files = list(_copied(self._checkout, source))
        assert files, f"nothing is copied by {source}"
        base = self._checkout / source
        for path in files:
            place = self.inside(self._workdir) / target
            place /= path.relative_to(base) if base.is_dir() else path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)

    def _run(self, command: str) -> None:
        kept = {name: value for name, value in os.environ.items() if "ESTAFETTE" not in name}
        search = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=self.inside(self._workdir),
            env={**kept, "PATH": search},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


async def _ends(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(60):
        return await process.wait()


async def test_what_the_image_builds_migrates_serves_and_passes_its_health_check(
    checkout: Path, tmp_path: Path, empty_database: str
) -> None:
    building, final = _stages()
    image = Image(tmp_path / "image", checkout)
    for step in building:
        await asyncio.to_thread(image.carry_out, step)

    # the final stage: what it copies is what was built; its settings and words are tried
    words = {step.word: step.rest for step in final}
    assert words["COPY"] == "--from=build /opt/estafette /opt/estafette"
    bin_dir = image.inside("/opt/estafette/bin")
    port = free_port()
    settings = dict(
        re.findall(r"(ESTAFETTE_\w+)=(\S+)", words["ENV"]),
        DATABASE_URL=empty_database,
        ESTAFETTE_SECRET_KEY=CIPHER_KEY,
        ESTAFETTE_PORT=str(port),
        PATH=f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
    )
    place = tmp_path / "var"
    place.mkdir()
    place.chmod(0o500)  # the containers' own files are read-only

    async def start(*arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *json.loads(words["ENTRYPOINT"]), *arguments, cwd=place, env=settings
        )

    (installed,) = image.inside("/opt/estafette").rglob("estafette-*.dist-info/METADATA")
    assert "Project-URL" not in installed.read_text("utf-8")  # it is built of no known place
    assert await _ends(await start("migrate")) == 0
    server = await start(*json.loads(words["CMD"]))
    try:
        await _serves(port)
        _, _, check = words["HEALTHCHECK"].partition(" CMD ")
        command = [word.replace(":8000/", f":{port}/") for word in json.loads(check)]
        checked = await asyncio.create_subprocess_exec(*command, env=settings)
        assert await _ends(checked) == 0
    finally:
        server.terminate()
        assert await _ends(server) == 0
    checked = await asyncio.create_subprocess_exec(
        *command, env=settings, stderr=asyncio.subprocess.DEVNULL
    )
    assert await _ends(checked) != 0


async def _serves(port: int) -> None:
    """Returns when it is ready. It must have all that is no Python: contracts, scripts, pages."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with asyncio.timeout(60):
            while True:
                try:
                    async with session.get("/readyz") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
        for path in ("/", "/widget.js", "/v1/docs", "/v1/openapi.json", "/delivery/openapi.yaml"):
            async with session.get(path) as answer:
                assert answer.status == 200, path
        async with session.get("/track/dlv_nobody") as answer:
            assert answer.status == 404
            assert "<html" in await answer.text()


def test_the_image_runs_as_a_user_of_its_own_and_takes_nothing_that_is_not_locked() -> None:
    building, final = _stages()
    assert [step.rest for step in final if step.word == "USER"] == ["10001:10001"]
    for step in building:
        if step.word == "RUN" and "install" in step.rest:
            assert "--require-hashes" in step.rest or "--no-deps --build-constraints" in step.rest
    for base in re.findall(r"(?m)^FROM (\S+)", CONTAINERFILE.read_text("utf-8")):
        assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)


@pytest.mark.parametrize(
    ("name", "is_seen"),
    [
        ("src/estafette/app/__init__.py", True),
        ("deploy/compose/compose.yaml", True),
        ("scripts/uv", True),
        ("scripts/audit.py", False),
        ("deploy/compose/.env", False),
        (".estafette/secret.key", False),
        (".git/config", False),
        ("src/estafette/__pycache__/app.pyc", False),
    ],
)
def test_the_image_is_built_from_what_belongs_in_it_alone(name: str, is_seen: bool) -> None:
    assert _ignored(name) is not is_seen


def _composed() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text("utf-8"))


def test_the_containers_get_settings_that_there_are_and_no_secret_of_the_file() -> None:
    composed = _composed()
    example = dict(
        re.findall(r"(?m)^#?(\w+)=(.*)$", (COMPOSE.parent / "env.example").read_text("utf-8"))
    )
    known = {PREFIX + name.upper() for name in SETTINGS} | {"DATABASE_URL"}
    not_ours = {"ESTAFETTE_SITE", "POSTGRES_PASSWORD"}  # of Caddy and of PostgreSQL
    assert example.keys() - not_ours <= known
    assert {"ESTAFETTE_SECRET_KEY", "POSTGRES_PASSWORD"} <= {
        name for name, value in example.items() if not value
    }
    for service in ("serve", "worker", "migrate", "commands"):
        of = composed["services"][service]
        assert of["environment"].keys() <= known
        assert of["command"][0] in COMMANDS
        assert of["read_only"] is True
        assert of["cap_drop"] == ["ALL"]
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text("utf-8")))
    assert asked <= example.keys()


def test_the_containers_start_in_order_and_publish_nothing_but_the_api() -> None:
    services = _composed()["services"]
    assert services["migrate"]["depends_on"]["db"] == {"condition": "service_healthy"}
    for name in ("serve", "worker"):
        waits = services[name]["depends_on"]
        assert waits == {"migrate": {"condition": "service_completed_successfully"}}
    published = {name: of["ports"] for name, of in services.items() if "ports" in of}
    assert published.pop("serve") == ["127.0.0.1:8000:8000"]
    assert published.keys() == {"caddy"}
    metrics = services["worker"]["environment"]["ESTAFETTE_WORKER_METRICS_PORT"]
    assert metrics in " ".join(services["worker"]["healthcheck"]["test"])
    patience = Settings().shutdown_seconds
    assert int(services["serve"]["stop_grace_period"].removesuffix("s")) > patience
