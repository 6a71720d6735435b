"""What every plan must keep to, whoever made it."""

from collections import Counter

from estafette.routing.plan import Action, Plan
from estafette.routing.problem import Problem


def check(problem: Problem, plan: Plan, *, late: frozenset[int] = frozenset()) -> None:
    """Fails where a plan does what cannot be done; jobs that are `late` may miss their windows."""
    visits = Counter((visit.job, visit.action) for tour in plan.tours for visit in tour.visits)
    done = {job for job, _ in visits}
    for number, job in enumerate(problem.jobs):
        wanted = len(job.stops()) if number in done else 0
        assert sum(visits[number, action] for action in Action) == wanted
    assert sorted(plan.unassigned) == sorted(set(range(len(problem.jobs))) - done)
    assert len({tour.vehicle for tour in plan.tours}) == len(plan.tours)
    for tour in plan.tours:
        vehicle, jobs = problem.vehicles[tour.vehicle], [problem.jobs[job] for job in tour.jobs]
        is_late = bool(late & set(tour.jobs))
        assert all(job.vehicle in (None, tour.vehicle) for job in jobs)
        assert not any(tour.vehicle in job.barred for job in jobs)
        assert all(job.skills <= vehicle.skills for job in jobs)
        on_board = [job.load for job in jobs if job.pickup is None]
        grams, parcels = sum(one.grams for one in on_board), sum(one.parcels for one in on_board)
        at, time, metres = vehicle.start, vehicle.shift.start, 0
        for visit in tour.visits:
            job = problem.jobs[visit.job]
            is_pickup = visit.action is Action.PICKUP
            stop = job.pickup if is_pickup else job.dropoff
            assert stop is not None
            way = problem.ways.between(at, stop.place)
            metres += way.metres
            time += round(way.seconds / vehicle.speed)
            assert abs(visit.arrival - time) <= 2 * len(tour.visits) or visit.arrival >= time
            time = max(visit.arrival, stop.window.start)
            assert is_late or time <= stop.window.end
            time += stop.service
            grams += job.load.grams if is_pickup else -job.load.grams
            parcels += job.load.parcels if is_pickup else -job.load.parcels
            assert grams <= vehicle.capacity.grams
            assert parcels <= vehicle.capacity.parcels
            at = stop.place
        assert is_late or time <= vehicle.shift.end
        if vehicle.end is not None:
            metres += problem.ways.between(at, vehicle.end).metres
        assert abs(tour.metres - metres) <= 2 * len(tour.visits)
