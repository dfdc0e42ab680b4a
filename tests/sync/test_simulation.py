"""A short run of the simulated world; ``benchmarks/simulate.py`` runs it over thousands of seeds."""

import pytest

from tests.sync.world import POISON, Control, World

SEEDS = 12
BUILT_WRONG = [control for control in Control if control is not Control.NONE]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_or_doubled_whatever_happens(seed: int) -> None:
    outcome = World(seed).run()

    assert outcome.sound, outcome
    assert outcome.produced > 50


def test_a_seed_replays_the_same_run() -> None:
    assert World(7).run() == World(7).run()


@pytest.mark.parametrize("control", BUILT_WRONG)
def test_the_world_can_show_a_loss_each_way_to_build_it_wrong_does_lose(control: Control) -> None:
    assert any(World(seed, control=control).run().lost for seed in range(6))


def test_an_hour_without_a_broker_is_only_a_delay() -> None:
    world = World(3, peaceful=True)
    world.after(600, lambda: world.broker_away(for_s=3600))

    outcome = world.run()

    assert outcome.sound, outcome
    reasons = {loss.reason for loss in world.upstream.declared}
    assert reasons <= {POISON}
