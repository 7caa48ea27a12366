"""Of prices, balances and caps."""

from smsagg.observe.metrics.families import Families


class MoneyMetrics(Families):
    """Families by attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.unpriced = self._counter(
            "smsagg_money_unpriced_messages_total",
            "Messages that the account's price list has no price for, by account and country.",
            "account",
            "country",
        )
        self.margin_warnings = self._counter(
            "smsagg_money_margin_warnings_total",
            "Messages taken although every carrier of their pool costs too much for them, by account and pool.",
            "account",
            "pool",
        )
        self.limit_alarms = self._counter(
            "smsagg_money_limit_alarms_total",
            "Caps and quotas that were used to so many per cent, by account, limit and per cent.",
            "account",
            "limit",
            "percent",
        )
        self.balance = self._gauge("smsagg_money_balance_micros", "Credited less charged, by account.", "account")
        self.reserved = self._gauge(
            "smsagg_money_reserved_micros", "Prices of messages that are not over, by account.", "account"
        )
        self.available = self._gauge(
            "smsagg_money_available_micros",
            "What messages may still reserve, of the balance and the credit, by billed account; not of those whose "
            "credit is unlimited.",
            "account",
        )
        self.charged = self._counter(
            "smsagg_money_charged_micros_total", "Charged for messages, by account.", "account"
        )
        self.limit_used = self._gauge(
            "smsagg_money_limit_used_ratio",
            "How much of a cap or quota is used, by account, limit and country (empty: of all together).",
            "account",
            "limit",
            "country",
        )
