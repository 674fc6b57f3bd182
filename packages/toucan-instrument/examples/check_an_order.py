"""Say which trading rules an order would break, and what would be legal."""

from decimal import Decimal

from toucan_instrument import (
    Catalogue,
    Exchange,
    Instrument,
    InstrumentKind,
    QuantityUnit,
    TradingRules,
    parse_unified,
)

btc = Instrument(
    exchange=Exchange.BINANCE_SPOT,
    symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    rules=TradingRules(
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal(5),
    ),
)
inverse = Instrument(
    exchange=Exchange.BINANCE_COIN_M,
    symbol="BTCUSD_PERP",
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USD",
    settle="BTC",
    contract_size=Decimal(100),
    inverse=True,
    quantity_unit=QuantityUnit.CONTRACTS,
)

catalogue = Catalogue(Exchange.BINANCE_SPOT, [btc])
found = catalogue.find("xbt", "usdt", InstrumentKind.SPOT)  # an alias, in lower case
print(found, found.symbol)

if found.rules is not None:
    for violation in found.rules.check(Decimal("60000.005"), Decimal("0.000012")):
        print(violation)

print(parse_unified("BTC/USD:BTC-261225").expiry_day)
print(
    inverse, inverse.notional(Decimal(3), Decimal(60_000)), inverse.base_quantity(Decimal(3), Decimal(60_000))
)
