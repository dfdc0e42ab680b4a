"""One planned run of real processes under faults; ``benchmarks/faults.py`` draws many."""

from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from tests.system.fault_store import ServerStore
from tests.system.faults import FaultRun

ON_POSTGRESQL = ("database_restarts", "kill_worker", "kill_office")
PLAN = ("kill_box", "broker_restarts", "kill_office", "cut", "write_errors")


@pytest.mark.broker
async def test_real_processes_under_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    judged = await FaultRun(tmp_path, 1, seconds=0, plan=PLAN).run()

    assert judged.sound, judged
    assert judged.promised > 100


@pytest.mark.broker
@pytest.mark.postgres
async def test_two_workers_on_a_database_that_is_killed_lose_and_double_nothing(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    store = ServerStore(postgres, await postgres.new_database())
    judged = await FaultRun(tmp_path, 1, seconds=0, plan=ON_POSTGRESQL, store=store).run()

    assert judged.sound, judged
    assert judged.promised > 100
