"""What a country calls the tax number of a company. The names are the same in every language."""

from typing import Final

_EUROPEAN_UNION: Final = "AT BE BG CY CZ DK EE FI GR HR HU IE LT LU LV MT NL PL RO SE SI SK"
"""Members without a name of their own below."""

LABELS: Final = dict.fromkeys(_EUROPEAN_UNION.split(), "VAT") | {
    "AR": "CUIT",
    "AU": "ABN",
    "BO": "NIT",
    "BR": "CNPJ",
    "CL": "RUT",
    "CO": "NIT",
    "DE": "USt-IdNr.",
    "DO": "RNC",
    "EC": "RUC",
    "ES": "NIF",
    "FR": "N° TVA",
    "GB": "VAT",
    "GT": "NIT",
    "HN": "RTN",
    "IN": "GSTIN",
    "IT": "P. IVA",
    "MX": "RFC",
    "NI": "RUC",
    "PA": "RUC",
    "PE": "RUC",
    "PR": "EIN",
    "PT": "NIF",
    "PY": "RUC",
    "SV": "NIT",
    "US": "EIN",
    "UY": "RUT",
    "VE": "RIF",
}


def label(country: str | None) -> str | None:
    """`RFC` for `MX`, an ISO 3166-1 alpha-2 code. None: the country is unknown, or has no name that everyone there uses."""
    return LABELS.get(country or "")
