"""Writes frontend/package-lock.json anew: the packages that the pages take files from, and no more.

    python scripts/frontend_lock.py     # after a change of frontend/package.json; needs npm

A package is taken for files that its author has bundled. What those were bundled from is listed as
its dependencies, is used nowhere, and would be fetched with every build: some hundreds of packages.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

_NEEDS = frozenset({"dependencies", "peerDependencies"})
FRONTEND = Path(__file__).resolve().parent.parent / "frontend"


def main() -> None:
    """Asks npm for the lock file, and leaves what is named in package.json."""
    subprocess.run(["npm", "install", "--package-lock-only"], cwd=FRONTEND, check=True)  # noqa: S607
    file = FRONTEND / "package-lock.json"
    lock: dict[str, Any] = json.loads(file.read_text("utf-8"))
    packages: dict[str, dict[str, Any]] = lock["packages"]
    own = {"": packages[""]}
    for name in packages[""]["dependencies"]:
        place = f"node_modules/{name}"
        own[place] = {key: kept for key, kept in packages[place].items() if key not in _NEEDS}
    lock["packages"] = own
    file.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
