"""Amounts of money: whole minor units and an ISO 4217 code. No float anywhere."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StrictInt, StringConstraints

_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: dict[str, int] = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}
"""ISO 4217's number of decimals where it is not two."""

Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]


def exponent(currency: str) -> int:
    """How many decimals the currency's amounts are written with: 2 for USD, 0 for JPY, 3 for KWD."""
    return EXPONENTS.get(currency, 2)


class Money(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    amount_minor: StrictInt
    """In the currency's smallest unit: 2999 is 29.99 USD."""
    currency: Currency

    def decimal(self) -> str:
        """`29.99`, `1234` (JPY), `1.234` (KWD): a point, no grouping."""
        digits = exponent(self.currency)
        sign, whole = "-" if self.amount_minor < 0 else "", str(abs(self.amount_minor)).rjust(digits + 1, "0")
        return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)
