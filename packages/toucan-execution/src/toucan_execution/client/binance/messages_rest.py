"""Binance's answers about accounts and orders as typed structs; facts D. REST and WebSocket API alike."""

# ruff: noqa: N815 - the wire's own names

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.client.binance.messages import NOTHING, Id, Wire

__all__ = [
    "AccountConfigBody",
    "AlgoCancelled",
    "AlgoOrder",
    "Amended",
    "Bracket",
    "Brackets",
    "CancelReplace",
    "CommissionExtra",
    "CommissionParts",
    "Discount",
    "FuturesAccount",
    "FuturesAsset",
    "FuturesBalance",
    "FuturesCommission",
    "FuturesOrder",
    "FuturesPosition",
    "FuturesTrade",
    "IncomeRow",
    "Leverage",
    "ListedOrder",
    "SpotAccount",
    "SpotBalance",
    "SpotCommission",
    "SpotFill",
    "SpotList",
    "SpotOrder",
    "SpotTrade",
]

# Spot.


class SpotFill(Wire):
    """A fill in a FULL answer; those of smart order routing have an allocation id, and -1 as trade id."""

    price: Decimal
    qty: Decimal
    commission: Decimal | None = None
    commissionAsset: str | None = None
    tradeId: Id = -1
    allocId: Id | None = None


class SpotOrder(Wire):
    """An order: ACK, RESULT, FULL, cancelled, amended, queried; facts D.1.3 to D.1.8."""

    symbol: str
    orderId: Id
    orderListId: Id = -1
    clientOrderId: str = ""
    origClientOrderId: str | None = None
    side: str | None = None
    type: str | None = None
    status: str | None = None
    timeInForce: str | None = None
    price: Decimal | None = None
    peggedPrice: Decimal | None = None
    origQty: Decimal | None = None
    qty: Decimal | None = None
    executedQty: Decimal | None = None
    preventedQuantity: Decimal | None = None
    preventedQty: Decimal | None = None
    cummulativeQuoteQty: Decimal | None = None
    cumulativeQuoteQty: Decimal | None = None
    origQuoteOrderQty: Decimal | None = None
    quoteOrderQty: Decimal | None = None
    stopPrice: Decimal | None = None
    icebergQty: Decimal | None = None
    trailingDelta: int | None = None
    isWorking: bool | None = None
    workingTime: int | None = None
    transactTime: int | None = None
    time: int | None = None
    updateTime: int | None = None
    selfTradePreventionMode: str | None = None
    expiryReason: str | None = None
    fills: list[SpotFill] | None = None


class ListedOrder(Wire):
    """An order of a `SpotList`, by its ids."""

    symbol: str
    orderId: Id
    clientOrderId: str = ""


class SpotList(Wire):
    """A list of orders; facts D.1.9."""

    orderListId: Id
    contingencyType: str = ""
    listStatusType: str = ""
    listOrderStatus: str = ""
    listClientOrderId: str = ""
    symbol: str = ""
    transactionTime: int | None = None
    orders: list[ListedOrder] = msgspec.field(default_factory=list)
    orderReports: list[SpotOrder] | None = None


class Amended(Wire):
    """What amending an order answers; facts D.1.8."""

    amendedOrder: SpotOrder
    transactTime: int | None = None
    executionId: Id | None = None
    listStatus: SpotList | None = None


class CancelReplace(Wire):
    """Both halves of a cancel-replace, each an order, an error or nothing; facts D.1.7."""

    cancelResult: str = ""
    newOrderResult: str = ""
    cancelResponse: msgspec.Raw = NOTHING
    newOrderResponse: msgspec.Raw = NOTHING


class SpotTrade(Wire):
    """A fill; facts D.1.5."""

    symbol: str
    id: Id
    orderId: Id
    price: Decimal
    qty: Decimal
    isBuyer: bool
    quoteQty: Decimal | None = None
    commission: Decimal | None = None
    commissionAsset: str | None = None
    time: int | None = None
    isMaker: bool | None = None


class SpotBalance(Wire):
    """A balance of a `SpotAccount`."""

    asset: str
    free: Decimal
    locked: Decimal


class SpotAccount(Wire):
    """An account; facts D.1.2."""

    balances: list[SpotBalance]
    canTrade: bool | None = None
    updateTime: int | None = None
    accountType: str = ""


class CommissionExtra(Wire):
    """What comes on top of the standard commission."""

    maker: Decimal | None = None
    taker: Decimal | None = None
    buyer: Decimal | None = None
    seller: Decimal | None = None


class CommissionParts(Wire):
    """The standard commission."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal | None = None
    seller: Decimal | None = None


class Discount(Wire):
    """The discount for fees that are paid in a certain asset."""

    enabledForAccount: bool = False
    enabledForSymbol: bool = False
    discountAsset: str | None = None
    discount: Decimal | None = None


class SpotCommission(Wire):
    """What trading costs; facts D.1.10."""

    symbol: str
    standardCommission: CommissionParts
    specialCommission: CommissionExtra | None = None
    taxCommission: CommissionExtra | None = None
    discount: Discount | None = None


# Futures.


class FuturesOrder(Wire):
    """An order: placed, changed, cancelled, queried; facts D.2.3, D.2.5 and D.3.2."""

    symbol: str
    orderId: Id
    side: str
    clientOrderId: str = ""
    type: str | None = None
    origType: str | None = None
    status: str | None = None
    timeInForce: str | None = None
    price: Decimal | None = None
    avgPrice: Decimal | None = None
    origQty: Decimal | None = None
    executedQty: Decimal | None = None
    cumQty: Decimal | None = None
    cumQuote: Decimal | None = None
    cumBase: Decimal | None = None
    reduceOnly: bool | None = None
    closePosition: bool | None = None
    positionSide: str | None = None
    stopPrice: msgspec.Raw = NOTHING
    workingType: str | None = None
    activatePrice: msgspec.Raw = NOTHING
    priceRate: msgspec.Raw = NOTHING
    selfTradePreventionMode: str | None = None
    goodTillDate: int | None = None
    expiryReason: Id | None = None
    time: int | None = None
    updateTime: int | None = None


class AlgoOrder(Wire):
    """A conditional order of the algo service; facts D.2.4. Placed, it says less than queried."""

    symbol: str
    algoId: Id
    side: str
    algoStatus: str
    clientAlgoId: str = ""
    orderType: str | None = None
    positionSide: str | None = None
    timeInForce: str | None = None
    quantity: msgspec.Raw = NOTHING
    actualOrderId: Id | None = None
    actualPrice: msgspec.Raw = NOTHING
    actualQty: msgspec.Raw = NOTHING
    executedQty: msgspec.Raw = NOTHING
    triggerPrice: msgspec.Raw = NOTHING
    price: msgspec.Raw = NOTHING
    icebergQuantity: msgspec.Raw = NOTHING
    selfTradePreventionMode: str | None = None
    workingType: str | None = None
    closePosition: bool | None = None
    reduceOnly: bool | None = None
    activatePrice: msgspec.Raw = NOTHING
    callbackRate: msgspec.Raw = NOTHING
    createTime: int | None = None
    updateTime: int | None = None
    triggerTime: int | None = None
    goodTillDate: int | None = None
    failReason: str | None = None


class AlgoCancelled(Wire):
    """What cancelling a conditional order answers; ``code`` is quoted; facts D.2.4."""

    algoId: Id
    clientAlgoId: str = ""
    code: int = 0
    msg: str = ""


class FuturesTrade(Wire):
    """A fill; facts D.2.5 and D.3.2."""

    symbol: str
    id: Id
    orderId: Id
    side: str
    price: Decimal
    qty: Decimal
    quoteQty: Decimal | None = None
    baseQty: Decimal | None = None
    commission: Decimal | None = None
    commissionAsset: str | None = None
    realizedPnl: Decimal | None = None
    positionSide: str | None = None
    maker: bool | None = None
    time: int | None = None


class FuturesAsset(Wire):
    """An asset of a `FuturesAccount`."""

    asset: str
    walletBalance: Decimal
    unrealizedProfit: Decimal | None = None
    initialMargin: Decimal | None = None
    crossWalletBalance: Decimal | None = None
    availableBalance: Decimal | None = None
    updateTime: int | None = None


class FuturesPosition(Wire):
    """A position: ``positionRisk`` of all versions and markets, or a row of a `FuturesAccount`."""

    symbol: str
    positionAmt: Decimal | None = None
    positionSide: str = "BOTH"
    entryPrice: Decimal | None = None
    breakEvenPrice: Decimal | None = None
    markPrice: Decimal | None = None
    unRealizedProfit: Decimal | None = None
    unrealizedProfit: Decimal | None = None
    liquidationPrice: Decimal | None = None
    leverage: int | None = None
    marginType: str | None = None
    isolated: bool | None = None
    isolatedMargin: Decimal | None = None
    isolatedWallet: Decimal | None = None
    notional: Decimal | None = None
    notionalValue: Decimal | None = None
    marginAsset: str | None = None
    updateTime: int | None = None


class FuturesAccount(Wire):
    """An account: v1 to v3 of USD-M, v1 of COIN-M; facts D.2.2 and D.3.2."""

    assets: list[FuturesAsset]
    positions: list[FuturesPosition] = msgspec.field(default_factory=list)
    canTrade: bool | None = None
    multiAssetsMargin: bool | None = None
    dualSidePosition: bool | None = None
    updateTime: int | None = None


class FuturesBalance(Wire):
    """A balance; facts D.2.2 and D.3.2."""

    asset: str
    balance: Decimal
    crossWalletBalance: Decimal | None = None
    availableBalance: Decimal | None = None
    updateTime: int | None = None


class AccountConfigBody(Wire):
    """How an account is set up: ``accountConfig``, ``positionSide/dual`` and ``multiAssetsMargin``."""

    canTrade: bool | None = None
    dualSidePosition: bool | None = None
    multiAssetsMargin: bool | None = None
    updateTime: int | None = None


class Leverage(Wire):
    """The leverage of a symbol: what setting it answers, and a row of ``symbolConfig``."""

    symbol: str
    leverage: int
    maxNotionalValue: msgspec.Raw = NOTHING
    maxQty: msgspec.Raw = NOTHING
    marginType: str | None = None


class FuturesCommission(Wire):
    """What trading costs; facts D.2.10."""

    symbol: str
    makerCommissionRate: Decimal
    takerCommissionRate: Decimal
    rpiCommissionRate: Decimal | None = None


class IncomeRow(Wire):
    """A line of the ledger; facts D.2.10."""

    incomeType: str
    income: Decimal
    asset: str
    time: int
    symbol: str | None = None
    info: str | None = None
    tranId: Id = ""
    tradeId: Id | None = None


class Bracket(Wire):
    """A bracket; its numbers are JSON numbers. ``qtylFloor`` is the venue's spelling (facts D.3.1)."""

    bracket: int
    initialLeverage: int
    maintMarginRatio: Decimal
    cum: Decimal
    notionalCap: Decimal | None = None
    notionalFloor: Decimal | None = None
    qtyCap: Decimal | None = None
    qtylFloor: Decimal | None = None
    qtyFloor: Decimal | None = None


class Brackets(Wire):
    """The brackets of a symbol, or (an older COIN-M answer) of a pair."""

    brackets: list[Bracket]
    symbol: str | None = None
    pair: str | None = None
