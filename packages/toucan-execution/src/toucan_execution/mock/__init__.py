"""An exchange in the same process, for paper trading and for tests.

`MockExecution` is a client like that of a real exchange, with the prices and the faults that it is given.
Behind it is `Engine`, the exchange itself: pure, for those who want to put something else in front of it.
"""

from __future__ import annotations

from toucan_execution.mock.client import MockExecution
from toucan_execution.mock.engine import Engine
from toucan_execution.mock.feeding import PriceSource, feed
from toucan_execution.mock.network import MockFault
from toucan_execution.mock.results import DepthChange, Done, MarketTrade, Refused, Result
from toucan_execution.mock.settings import EngineSettings, FeeSchedule, FeesIn

__all__ = [
    "DepthChange",
    "Done",
    "Engine",
    "EngineSettings",
    "FeeSchedule",
    "FeesIn",
    "MarketTrade",
    "MockExecution",
    "MockFault",
    "PriceSource",
    "Refused",
    "Result",
    "feed",
]
