"""How a board gets to a shell: by its power alone, so that one whose kernel hangs gets there too."""

import enum

import attr
from labgrid import step, target_factory
from labgrid.strategy import Strategy, StrategyError
from pexpect import TIMEOUT


class Status(enum.Enum):
    """Where a board is."""

    unknown = 0
    off = 1
    shell = 2


@target_factory.reg_driver
@attr.s(eq=False)
class PowerStrategy(Strategy):
    """Off, or switched on and logged in."""

    bindings = {"power": "PowerProtocol", "console": "ConsoleProtocol", "shell": "ShellDriver"}
    status = attr.ib(default=Status.unknown)

    @step(args=["status"])
    def transition(self, status):
        """Goes to a status, whatever the board does at present."""
        status = status if isinstance(status, Status) else Status[status]
        if status is Status.unknown:
            raise StrategyError("no board can be made unknown")
        if status is self.status:
            return
        self.target.activate(self.power)
        self.target.deactivate(self.shell)
        self.status = Status.unknown
        self.power.off()
        if status is Status.shell:
            self.target.activate(self.console)
            self._forget()
            self.power.on()
            self.target.activate(self.shell)
        self.status = status

    def _forget(self):
        # A prompt of the time before would be taken for one of now.
        try:
            while True:
                self.console.expect(".+", timeout=0.5)
        except TIMEOUT:
            pass
