"""The learning rate of pretraining."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'starter'))
from training import Training, schedule

ONE = Training(tokens=1000, batch_tokens=1, accumulate=1, matrix_rate=1, rate=1, warmup=0.01, final_rate=0.03, weight_decay=0, clip=1, masked_weight=0, held_out=1)


def test_one_cosine():
    assert schedule(ONE, 0.01) == pytest.approx(1.0)
    assert schedule(ONE, 1.0) == pytest.approx(0.03)
    assert schedule(ONE, 0.2) > schedule(ONE, 0.5) > schedule(ONE, 0.9)


def test_a_restart_continues_a_run_that_ended_there():
    longer = Training(**{**ONE.__dict__, 'tokens': 1600, 'restart': 1000})
    for tokens in (1, 5, 300, 999):
        assert schedule(longer, tokens / 1600) == pytest.approx(schedule(ONE, tokens / 1000))
    assert schedule(longer, 1006 / 1600) == pytest.approx(0.6)
    assert schedule(longer, 1.0) == pytest.approx(0.6 * 0.03)
