"""Training on a real Dask cluster, one of whose workers is killed in the middle."""

import os
import signal

import pytest

from tests.test_fit import numbers, trained

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, of sockets and event loops


def test_a_killed_dask_worker_costs_time_and_no_result(tmp_path):
    expected, alone = trained("python", batch=8, seed=1, epochs=10)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        first, *_ = client.run(os.getpid).values()
        killed = []

        def kill(epoch, loss):
            if epoch == 4:
                os.kill(first, signal.SIGKILL)
                killed.append(first)

        network, history = trained("python", batch=8, seed=1, epochs=10, executor=client.get_executor(), on_epoch=kill)
        assert killed and first not in client.run(os.getpid).values()
    assert numbers(network) == pytest.approx(numbers(expected), rel=1e-10, abs=1e-12)
    assert history.losses == pytest.approx(alone.losses, rel=1e-10)
