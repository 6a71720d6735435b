"""The package as it is built and installed, far from the sources."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

from tests.deploy.conftest import ROOT

HOME = "https://forge.example/somebody/estafette"


def _run(*command: str | Path, cwd: Path, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if "ESTAFETTE" not in name}
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**kept, "PYTHON": sys.executable, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _installed(wheel: Path, tmp_path: Path) -> Path:
    """A clean environment with the wheel, over the dependencies of this one.

    That these can be installed by their lock file is seen where the image is built.
    """
    uv, folder = ROOT / "scripts/uv", tmp_path / "installed"
    _run(uv, "venv", "--python", sys.executable, folder, cwd=tmp_path)
    python = folder / "bin/python"
    _run(uv, "pip", "install", "--quiet", "--python", python, "--no-deps", wheel, cwd=tmp_path)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_package_holds_all_that_runs_and_is_installed_by_itself(
    checkout: Path, tmp_path: Path
) -> None:
    _run("make", "dist", cwd=checkout, ESTAFETTE_REPOSITORY=f"{HOME}.git")
    (wheel,) = (checkout / "dist").glob("estafette-*.whl")
    (archive,) = (checkout / "dist").glob("estafette-*.tar.gz")

    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        told = message_from_string(packed.read(metadata).decode())
    source = {
        path.relative_to(checkout / "src").as_posix()
        for path in (checkout / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len([name for name in source if name.endswith(".sql")]) > 10
    assert source <= names
    urls = dict(each.split(", ") for each in told.get_all("Project-URL", []))
    assert urls["Homepage"] == HOME
    assert urls["Documentation"].startswith(HOME)
    assert told["License-Expression"] == "Apache-2.0"
    assert len(told.get_all("Classifier", [])) > 10

    with tarfile.open(archive) as packed:
        members = {name.partition("/")[2] for name in packed.getnames()}
    for wanted in (
        "LICENSE",
        "CHANGELOG.md",
        "docs/operations.md",
        "deploy/Containerfile",
        "requirements.lock",
        "tests/deploy/test_package.py",
    ):
        assert wanted in members

    folder = _installed(wheel, tmp_path)
    assert _run(folder / "bin/estafette", "--version", cwd=tmp_path).startswith("estafette ")
    where = _run(
        folder / "bin/python", "-c", "import estafette; print(estafette.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(folder)
    shared = folder / "share"
    assert (shared / "doc/estafette/docs/operations.md").is_file()
    assert (shared / "estafette/deploy/systemd/estafette-serve.service").is_file()
