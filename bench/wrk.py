"""Load by wrk: constant pressure over a fixed number of connections, each waiting for its answer.

wrk is not on PyPI; a machine that lacks it is told so, and nothing is measured in its place.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.orders import CITIES, LUA_FIELDS, STREETS, TEMPLATE, WAREHOUSES
from bench.process import BenchError, json_of, plain_environment

MISSING: Final = "wrk is not installed: apt-get install wrk (or your system's package of it)"
CONNECTIONS: Final = 64

_DONE = """
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f}',
    summary.requests, summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""

_CREATE = """
local template = %(template)s
local cities, streets = {%(cities)s}, {%(streets)s}
local random, format = math.random, string.format
local head = %(head)s
local count, out = 0, nil

function init(args)
  math.randomseed(%(seed)d)
  out = io.open(%(answers)s, "w")
end

function request()
  count = count + 1
  local ref = format("%%s%%020d", %(prefix)s, count)
  local warehouse = random(%(warehouses)d)
  local body = format(template, %(fields)s)
  return format(head, ref, #body) .. body
end

function response(status, headers, body)
  out:write(status, " ", body:match('"deliveryId":"([^"]+)"') or "-", "\\n")
end
"""

_GET = """
local paths, count, random = {}, 0, math.random
local tail = %(tail)s

function init(args)
  math.randomseed(%(seed)d)
  for id in io.lines(%(ids)s) do
    count = count + 1
    paths[count] = "GET /delivery/v1/deliveries/" .. id .. tail
  end
end

function request()
  return paths[random(count)]
end
"""


@dataclass(frozen=True)
class Run:
    """What one run of wrk saw: whole answers, how many of them were refusals, what broke."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    def must_be_clean(self) -> "Run":
        """This run. Raises BenchError when anything was refused (status 400 and above) or broke."""
        if self.refused or self.broken:
            raise BenchError(f"wrk saw {self.refused} refusals and {self.broken} broken requests")
        return self


def is_here() -> bool:
    """Whether wrk can be run."""
    return shutil.which("wrk") is not None


async def create(
    base_url: str, api_key: str, folder: Path, *, prefix: str, seed: int, seconds: float
) -> tuple[Run, list[str]]:
    """Creates deliveries of new orders; returns their ids, one for each answer. Each was a 201."""
    answers = folder / f"{prefix}answers"
    head = (
        "POST /delivery/v1/deliveries HTTP/1.1\r\n"
        f"Host: {host(base_url)}\r\n"
        f"x-api-key: {api_key}\r\n"
        "Idempotency-Key: %s\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n"
    )
    script = _CREATE % {
        "template": lua(TEMPLATE),
        "cities": ",".join(map(lua, CITIES)),
        "streets": ",".join(map(lua, STREETS)),
        "head": lua(head),
        "seed": seed,
        "answers": lua(str(answers)),
        "prefix": lua(prefix),
        "warehouses": WAREHOUSES,
        "fields": LUA_FIELDS,
    }
    run = await run_script(base_url, script, folder, f"{prefix}create.lua", seconds)
    ids: list[str] = []
    for line in answers.read_text().splitlines():
        status, id = line.split(" ")
        if status != "201" or id == "-":
            raise BenchError(f"a create was answered with {status}")
        ids.append(id)
    if len(ids) != run.requests:
        raise BenchError(f"wrk counted {run.requests} answers and noted {len(ids)}")
    return run.must_be_clean(), ids


async def get(
    base_url: str, api_key: str, folder: Path, *, ids: list[str], seed: int, seconds: float
) -> Run:
    """Gets deliveries of these ids, at random."""
    known = folder / "ids"
    known.write_text("\n".join(ids))
    tail = f" HTTP/1.1\r\nHost: {host(base_url)}\r\nx-api-key: {api_key}\r\n\r\n"
    script = _GET % {"tail": lua(tail), "seed": seed, "ids": lua(str(known))}
    return (await run_script(base_url, script, folder, "get.lua", seconds)).must_be_clean()


async def constant(base_url: str, path: str, folder: Path, *, seconds: float) -> Run:
    """Gets the same path again and again."""
    run = await run_script(f"{base_url}{path}", "", folder, "constant.lua", seconds)
    return run.must_be_clean()


async def run_script(url: str, script: str, folder: Path, name: str, seconds: float) -> Run:
    """Loads `url` as a script in Lua says, which is kept as `name` in the folder."""
    file = folder / name
    file.write_text(script + _DONE, "utf-8")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", "10s"]
    found: dict[str, Any] = await json_of(
        [*command, "-s", str(file), url], plain_environment(), folder, seconds + 30
    )
    return Run(**found)


def host(base_url: str) -> str:
    """What requests to a server say in their `Host`."""
    return base_url.removeprefix("http://")


def lua(text: str) -> str:
    """A string as Lua writes it; JSON's escapes that occur are Lua's too."""
    return json.dumps(text, ensure_ascii=False)
