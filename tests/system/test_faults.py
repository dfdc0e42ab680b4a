"""One planned run of real processes under faults; ``benchmarks/faults.py`` draws many."""

from pathlib import Path

import pytest

from tests.system.faults import FaultRun

PLAN = ("kill_box", "broker_restarts", "kill_office", "cut", "write_errors")


@pytest.mark.broker
async def test_real_processes_under_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    judged = await FaultRun(tmp_path, 1, seconds=0, plan=PLAN).run()

    assert judged.sound, judged
    assert judged.promised > 100
