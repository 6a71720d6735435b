"""Time zones where the machine's own files are out of date."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tzdata


@pytest.fixture
def outdated(tmp_path: Path) -> dict[str, str]:
    """An environment whose time zone files have Almaty where it was until 2024, at +6."""
    zones = Path(tzdata.__file__).parent / "zoneinfo"
    there = tmp_path / "Asia"
    there.mkdir()
    (there / "Almaty").write_bytes((zones / "Etc" / "GMT-6").read_bytes())
    return {**os.environ, "PYTHONTZPATH": str(tmp_path)}


def said(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    return done.stdout


_OFFSET = (
    "from zoneinfo import ZoneInfo; from datetime import datetime as d;"
    "print(d(2026, 11, 28, tzinfo=ZoneInfo('Asia/Almaty')).utcoffset())"
)


def test_the_package_wins_over_an_outdated_file_of_the_system(outdated: dict[str, str]) -> None:
    assert said(outdated, "-c", _OFFSET) == "6:00:00\n"
    assert said(outdated, "-c", f"import estafette; {_OFFSET}") == "5:00:00\n"


def test_doctor_tells_of_an_outdated_file_of_the_system(
    outdated: dict[str, str], tmp_path: Path
) -> None:
    outdated |= {"ESTAFETTE_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": ""}
    told = said(outdated, "-m", "estafette", "doctor")
    assert "Asia/Almaty is at +0500, the system says +0600" in told
    assert "Africa/Luanda" not in told
