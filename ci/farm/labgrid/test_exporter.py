"""The exporters' configurations are ones that labgrid's exporter takes."""

from importlib import import_module

import pytest
from labgrid import resource
from labgrid.remote.config import ResourceConfig

from farm import LABGRID


@pytest.mark.parametrize("name", ["exporter-emulated.yaml", "exporter-real.yaml"])
def test_every_board_has_a_console_and_power(name):
    boards = ResourceConfig(str(LABGRID / name), {"env": {}, "isolated": False, "hostname": "lab"}).data
    assert len(boards) == 2
    for board, resources in boards.items():
        assert any("SerialPort" in kind for kind in resources), board
        assert all(hasattr(resource, kind) for kind in resources), board
        import_module(f"labgrid.driver.power.{resources['NetworkPowerPort']['model']}")
