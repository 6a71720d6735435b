"""Li & Lim's problems of pickup and delivery with time windows: their files, and a check of plans.

A file's first line has vehicles, capacity and speed; each further line is a node: its number, x, y,
demand, earliest, latest, service time, the node of its pickup, the node of its drop-off. Ways are
Euclidean and take as long as they are. They are planned in hundredths, rounded up, so that what is
feasible then is feasible in exact numbers; the check is made with those.
"""

import json
import math
from array import array
from pathlib import Path
from typing import Final, NamedTuple

from estafette.routing.plan import Action, Plan
from estafette.routing.problem import Job, Load, Problem, Stop, Vehicle, Window
from estafette.routing.ways import Table

SCALE: Final = 100
_MANY_PARCELS: Final = 1_000


class Node(NamedTuple):
    """A line of a file."""

    number: int
    x: float
    y: float
    demand: int
    earliest: int
    latest: int
    service: int
    pickup: int
    dropoff: int


class Instance(NamedTuple):
    """A problem, with the fewest vehicles and the distance that anybody is known to have needed."""

    name: str
    capacity: int
    nodes: tuple[Node, ...]
    vehicles: int
    distance: float

    @property
    def pickups(self) -> list[Node]:
        """The nodes at which something is fetched, in the order of the jobs."""
        return [node for node in self.nodes if node.dropoff]

    def problem(self) -> Problem:
        """The problem with the fewest vehicles."""
        depot = self.nodes[0]
        ways = array("I", [_scaled(a, b) for a in self.nodes for b in self.nodes])
        shift = Window(depot.earliest * SCALE, depot.latest * SCALE)
        vehicle = Vehicle(0, shift, Load(self.capacity, _MANY_PARCELS), end=0)
        jobs = tuple(
            Job(_stop(node), _stop(self.nodes[node.dropoff]), Load(node.demand, 1))
            for node in self.pickups
        )
        count = len(self.nodes)
        return Problem((vehicle,) * self.vehicles, jobs, Table(count, ways, ways))

    def length(self, plan: Plan) -> float | None:
        """The exact distance of a plan; None where it leaves something, or is not feasible."""
        if plan.unassigned or len(plan.tours) > self.vehicles:
            return None
        tours = [self._tour(plan, number) for number in range(len(plan.tours))]
        return None if None in tours else sum(tour for tour in tours if tour)

    def _tour(self, plan: Plan, number: int) -> float | None:
        depot, load, length = self.nodes[0], 0, 0.0
        at, time, fetched = depot, float(depot.earliest), set[int]()
        for visit in plan.tours[number].visits:
            pickup = self.pickups[visit.job]
            is_pickup = visit.action is Action.PICKUP
            node = pickup if is_pickup else self.nodes[pickup.dropoff]
            length += math.dist(at[1:3], node[1:3])
            time = max(time + math.dist(at[1:3], node[1:3]), node.earliest)
            load += node.demand
            if time > node.latest or load > self.capacity or is_pickup == (visit.job in fetched):
                return None
            fetched.add(visit.job)
            at, time = node, time + node.service
        back = math.dist(at[1:3], depot[1:3])
        return None if time + back > depot.latest else length + back


def read(folder: Path, name: str) -> Instance:
    """Reads an instance of a folder with `li_lim_100/` and `best_known.json`."""
    text = (folder / "li_lim_100" / f"{name}.txt").read_text("utf-8")
    first, *lines = [line.split() for line in text.splitlines() if line.strip()]
    nodes = sorted(Node(int(n), float(x), float(y), *map(int, rest)) for n, x, y, *rest in lines)
    best = json.loads((folder / "best_known.json").read_text("utf-8"))[name]
    return Instance(name, int(first[1]), tuple(nodes), best["vehicles"], best["distance"])


def names(folder: Path) -> list[str]:
    """The instances of a folder."""
    return sorted(path.stem for path in (folder / "li_lim_100").glob("*.txt"))


def _stop(node: Node) -> Stop:
    window = Window(node.earliest * SCALE, node.latest * SCALE)
    return Stop(node.number, window, node.service * SCALE)


def _scaled(a: Node, b: Node) -> int:
    return math.ceil(math.dist(a[1:3], b[1:3]) * SCALE)
