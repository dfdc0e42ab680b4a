"""A short run of the simulated world; ``benchmarks/simulate.py`` runs it over thousands of seeds."""

import pytest

from tests.sync.world import POISON, World

SEEDS = 16


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_or_doubled_whatever_happens(seed: int) -> None:
    outcome = World(seed).run()

    assert outcome.sound, outcome
    assert outcome.produced > 50


def test_a_seed_replays_the_same_run() -> None:
    assert World(7).run() == World(7).run()


def test_the_harness_can_fail_one_that_trusts_the_broker_loses_records() -> None:
    assert sum(World(seed, trust_broker=True).run().lost for seed in range(6)) > 0


def test_an_hour_without_a_broker_is_only_a_delay() -> None:
    world = World(3, peaceful=True)
    world.after(600, lambda: world.broker_away(for_s=3600))

    outcome = world.run()

    assert outcome.sound, outcome
    reasons = {loss.reason for loss in world.upstream.declared}
    assert reasons <= {POISON}
