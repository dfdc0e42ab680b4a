"""What somebody does to a car before selling it, and the record of it for the truth file."""

from dataclasses import dataclass
from random import Random

from simulator.fleet.drawing import donor
from simulator.fleet.life import FAULTS, Life

ROLLBACKS_KM = (1_000, 5_000, 20_000, 70_000)
# method: the checks that can show it at all, of those of an intake (dash, units, counters, clears, hours, VIN, past)
METHODS: dict[str, tuple[str, ...]] = {
    "all_modules": ("K2", "K3", "K6", "K8"),
    "cluster_only": ("K1", "K2", "K3", "K8"),
    "can_filter": ("K1", "K2", "K3", "K8"),
    "blocker": ("K6",),
    "pre_sale_clear": ("K4", "K5"),
    "cluster_swap_with_papers": ("K1", "K2", "K3", "K8"),
    "ecu_swap": ("K3", "K7", "K8"),
}
# What is done to the engine unit needs a car that has one.
NEED_ENGINE = ("pre_sale_clear", "ecu_swap")
KINDS = dict.fromkeys(("all_modules", "cluster_only", "can_filter", "blocker"), "rollback")


@dataclass(slots=True)
class Tampering:
    """What was done: ``removed_m`` is by how much the tampered value is too low, or 0."""

    method: str = "none"
    day: int = 0
    removed_m: int = 0
    began_m: float = 0.0
    wanted_m: float = 0.0

    @property
    def kind(self) -> str:
        """``none``, ``rollback``, or the method where it is a kind of its own."""
        return KINDS.get(self.method, self.method)


def arrange(random: Random, life: Life, last_day: int, *, method: str = "", wanted_m: float = 0.0) -> Tampering:
    """Choose a method and have it happen in the life; what it took is known once that has been lived.

    ``method`` settles it, except that a car without an engine cannot have what needs one: it stays honest.
    ``wanted_m`` is how much is taken off, 0 for one of the usual amounts.
    """
    has_engine = life.drawn.ecu("engine") is not None
    possible = [name for name in METHODS if has_engine or name not in NEED_ENGINE]
    if method and method not in possible:
        return Tampering()
    done = Tampering(method=method or random.choice(possible), wanted_m=wanted_m)
    early = done.method in ("can_filter", "blocker")
    lead = random.uniform(0.2, 0.7) * last_day if early else min(random.expovariate(1 / 30), last_day * 0.5)
    done.day = max(int(last_day - lead), 1)

    def act() -> None:
        _ACTS[done.method](random, life, done)

    if done.method == "pre_sale_clear":
        done.day = max(last_day - random.randrange(8), 1)
        life.at(max(done.day - 60, 1), lambda: _fall_ill(random, life))
    life.at(done.day, act)
    return done


def settle(done: Tampering, life: Life) -> None:
    """At the end of a life: what a filter or a blocker has kept back by then."""
    if done.method in ("can_filter", "blocker"):
        done.removed_m = round((life.true_m - done.began_m) * (life.filtered or life.blocked))


def _fall_ill(random: Random, life: Life) -> None:
    life.fault = random.choice(FAULTS)


def _amount(random: Random, shown_m: float, wanted_m: float) -> int:
    usual_m = wanted_m or random.choice(ROLLBACKS_KM) * 1000
    return round(min(usual_m * random.uniform(0.9, 1.1), shown_m * 0.8))


def _all_modules(random: Random, life: Life, done: Tampering) -> None:
    done.removed_m = _amount(random, life.shown_m, done.wanted_m)
    life.car.odometer_m = max(life.car.odometer_m - done.removed_m, 0.0)
    body = life.drawn.ecu("body")
    if body is not None and random.random() < 0.5:
        body.odometer_offset_m += done.removed_m
    if random.random() < 0.3:
        life.car.clear_codes()


def _cluster_only(random: Random, life: Life, done: Tampering) -> None:
    done.removed_m = _amount(random, life.shown_m, done.wanted_m)
    life.shift_cluster(-done.removed_m)


def _can_filter(random: Random, life: Life, done: Tampering) -> None:
    done.began_m = life.true_m
    life.filtered = random.uniform(0.3, 0.9)


def _blocker(random: Random, life: Life, done: Tampering) -> None:
    done.began_m = life.true_m
    life.blocked = random.uniform(0.3, 0.9)


def _pre_sale_clear(random: Random, life: Life, done: Tampering) -> None:
    life.car.clear_codes()


def _ecu_swap(random: Random, life: Life, done: Tampering) -> None:
    """A unit of a younger car, and a cluster set to agree with it."""
    done.removed_m = _amount(random, life.shown_m, done.wanted_m)
    life.car.odometer_m = max(life.car.odometer_m - done.removed_m, 0.0)
    for unit in (ecu for ecu in life.car.ecus if ecu.role == "engine"):
        life.replace_unit(unit, donor(random, life.car), foreign_vin=random.random() < 0.5)


_ACTS = {
    "all_modules": _all_modules,
    "cluster_only": _cluster_only,
    "can_filter": _can_filter,
    "blocker": _blocker,
    "pre_sale_clear": _pre_sale_clear,
    "cluster_swap_with_papers": _cluster_only,
    "ecu_swap": _ecu_swap,
}
