"""A clean checkout, as somebody has it who packs Estafette."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = "src/estafette/web/assets/vendor"  # fetched by the build hook, which finds it done


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git knows, or would take, in a folder of its own; and the files of the pages."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    folder = tmp_path / "checkout"
    for name in filter(None, done.stdout.split("\0")):
        source = ROOT / name
        if source.is_file():  # it may be deleted, and not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    shutil.copytree(ROOT / VENDOR, folder / VENDOR)
    return folder
