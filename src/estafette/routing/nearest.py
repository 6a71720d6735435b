"""A plan without a solver: each job goes to whoever is there first, and is carried alone.

It is what goes on where no solver answers, and what plans of solvers are measured against.
"""

from estafette.routing.obstacles import fits
from estafette.routing.plan import Action, Engine, Plan, Tour, Visit
from estafette.routing.problem import Job, Problem, Stop, Vehicle


class _Run:
    """A vehicle's tour as it grows: where it is then, and when."""

    def __init__(self, problem: Problem, number: int) -> None:
        self._problem = problem
        self.number = number
        self.vehicle: Vehicle = problem.vehicles[number]
        self.at = self.vehicle.start
        self.time = self.vehicle.shift.start
        self.visits: list[Visit] = []
        self.metres = 0
        self.seconds = 0

    def reaches(self, stop: Stop) -> int:
        """When it would be there."""
        way = self._problem.ways.between(self.at, stop.place)
        return self.time + round(way.seconds / self.vehicle.speed)

    def visit(self, job: int, action: Action, stop: Stop) -> None:
        """Goes there, waits for the window, and does what is to be done."""
        way = self._problem.ways.between(self.at, stop.place)
        arrival = self.reaches(stop)
        self.metres += way.metres
        self.seconds += arrival - self.time
        self.visits.append(Visit(job, action, arrival))
        self.time = max(arrival, stop.window.start) + stop.service
        self.at = stop.place

    def carry(self, number: int, job: Job) -> None:
        """Does all of a job."""
        if job.pickup is not None:
            self.visit(number, Action.PICKUP, job.pickup)
        self.visit(number, Action.DROPOFF, job.dropoff)

    def ends_in_time(self, job: Job) -> bool:
        """Whether it could carry a job within its windows and the shift, after all before it."""
        at, time = self.at, self.time
        for stop in job.stops():
            way = self._problem.ways.between(at, stop.place)
            time += round(way.seconds / self.vehicle.speed)
            if time > stop.window.end:
                return False
            time = max(time, stop.window.start) + stop.service
            at = stop.place
        if self.vehicle.end is not None:
            way = self._problem.ways.between(at, self.vehicle.end)
            time += round(way.seconds / self.vehicle.speed)
        return time <= self.vehicle.shift.end

    def tour(self) -> Tour:
        """Returns the tour, to its end."""
        metres, seconds = self.metres, self.seconds
        if self.vehicle.end is not None:
            way = self._problem.ways.between(self.at, self.vehicle.end)
            metres += way.metres
            seconds += round(way.seconds / self.vehicle.speed)
        return Tour(self.number, tuple(self.visits), metres, seconds)


def plan(problem: Problem) -> Plan:
    """Returns a plan: what vehicles have first, then each job for whoever is there first.

    Of what a vehicle has on board it brings the nearest first; then it fetches what it has agreed
    to. Jobs with a higher priority, and those that are due earlier, choose before others.
    """
    runs = [_Run(problem, number) for number in range(len(problem.vehicles))]
    for run in runs:
        _carry_its_own(problem, run)
    waiting = [number for number, job in enumerate(problem.jobs) if job.vehicle is None]
    waiting.sort(key=lambda n: (-problem.jobs[n].priority, problem.jobs[n].dropoff.window.end, n))
    unassigned = [number for number in waiting if not _give(problem, runs, number)]
    tours = tuple(run.tour() for run in runs if run.visits)
    return Plan(tours, tuple(sorted(unassigned)), Engine.NEAREST)


def _carry_its_own(problem: Problem, run: _Run) -> None:
    own = [n for n, job in enumerate(problem.jobs) if job.vehicle == run.number]
    while own:
        first = min(own, key=lambda n: (_is_fetched(problem, n), _reached(problem, run, n), n))
        own.remove(first)
        run.carry(first, problem.jobs[first])


def _is_fetched(problem: Problem, number: int) -> bool:
    return problem.jobs[number].pickup is not None


def _reached(problem: Problem, run: _Run, number: int) -> int:
    return run.reaches(problem.jobs[number].stops()[0])


def _give(problem: Problem, runs: list[_Run], number: int) -> bool:
    job = problem.jobs[number]
    able = [
        run
        for run in runs
        if run.vehicle.takes_new
        and run.number not in job.barred
        and job.skills <= run.vehicle.skills
        and fits(job.load, run.vehicle.capacity)
    ]
    for run in sorted(able, key=lambda one: (_reached(problem, one, number), one.number)):
        if run.ends_in_time(job):
            run.carry(number, job)
            return True
    return False
