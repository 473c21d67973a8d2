"""Work is counted in steps, so that a verdict does not depend on how busy the machine is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from compat.errors import Exhausted, OutOfSteps

DEFAULT_STEPS = 20_000
#: Last resort only: the step limits are set so that they end the work first. Of this thread, not of a busy machine.
CPU_SECONDS = 0.7
_CLOCK_EVERY = 64


@dataclass
class Budget:
    """A purse of steps that the whole of one question spends from."""

    steps: int = DEFAULT_STEPS
    spent: int = 0
    _deadline: float = field(default_factory=lambda: time.thread_time() + CPU_SECONDS)

    def spend(self, steps: int = 1) -> None:
        """Raises OutOfSteps when the purse is empty."""
        self.spent += steps
        if self.spent > self.steps:
            raise OutOfSteps(f"the budget of {self.steps} steps ran out")
        if self.spent % _CLOCK_EVERY < steps and time.thread_time() > self._deadline:
            raise OutOfSteps(f"the last-resort clock of {CPU_SECONDS} s ran out")

    def again(self) -> Budget:
        """A full purse for a further question of the same caller, on the same clock."""
        return Budget(self.steps, _deadline=self._deadline)

    def part(self, steps: int) -> Budget:
        """A purse with at most so much of what is left, on the same clock; whoever asked accounts for what it spends."""
        return Budget(min(steps, self.steps - self.spent), _deadline=self._deadline)

    def slice(self, steps: int) -> Slice:
        """A part of the purse for one sub-question, whose end is not the end of the whole."""
        return Slice(self, steps)


@dataclass
class Slice:
    """A capped part of a purse."""

    purse: Budget
    steps: int

    def spend(self, steps: int = 1) -> None:
        """Raises Exhausted when the part is used up and OutOfSteps when the whole is."""
        self.purse.spend(steps)
        self.steps -= steps
        if self.steps < 0:
            raise Exhausted("a sub-question needed more steps than its share")
