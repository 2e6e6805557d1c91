"""Texts with long numbers, generated from a seed: card numbers in many forms, and numbers that must not be taken for one."""

import random
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

COUNTRIES = (
    "MX",
    "AR",
    "CO",
    "CL",
    "PE",
    "EC",
    "UY",
    "BR",
    "GT",
    "ES",
    "US",
    "GB",
    "DE",
    "FR",
    "IT",
    "PT",
    "NL",
    "JP",
    "IN",
    "AU",
)
"""Countries of the telephone numbers."""
ISSUED = (
    *(("4", length) for length in (13, 16, 16, 16, 19)),
    *((prefix, 16) for prefix in ("51", "52", "53", "54", "55", "2221", "2500", "2720")),
    *((prefix, 15) for prefix in ("34", "37")),
    *((prefix, 14) for prefix in ("300", "305", "36", "38")),
    *((prefix, length) for prefix in ("6011", "644", "65") for length in (16, 19)),
    *((prefix, 16) for prefix in ("3528", "3589")),
    *(("62", length) for length in (16, 17, 18, 19)),
    *(("6759", length) for length in (13, 16, 19)),
)
"""(prefix, length) of issued card numbers."""
SEPARATORS = (
    *(" ", "-", ".", "  ", " - ", "/", "_", ",", "\t", "\n", "·", "•", "|", ":", "*", "+", "#", "…", "=", "~", "()", "\r\n"),
    *("\u00a0", "\u202f", "\u2009", "\u3000", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212"),
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u202e", "\u0301", "\ufe0f", "\U0001f4b3"),
)


def disguised_cards(dice: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        number = "".join(_digit(dice, int(c)) for c in card(dice))
        style, separator = dice.randrange(5), dice.choice(SEPARATORS)
        if style == 0:
            number = separator.join(number)
        elif style == 1:
            number = "".join(c + dice.choice(("", *SEPARATORS)) for c in number)
        elif style < 4:
            number = separator.join(number[at : at + 4] for at in range(0, len(number), 4))
        before = dice.choice(("", "Mi tarjeta es ", "tarjeta:", "visa", "12, ", "(", "CVV 123 y ", "\u202e", "Nº "))
        after = dice.choice(("", " 12/30 737", ".", " exp. 12/30", "gracias", ", 5 de mayo", ")", "\u200b", " 2030-12"))
        yield before + number + after


def card(dice: random.Random) -> str:
    prefix, length = dice.choice(ISSUED)
    body = prefix + "".join(str(dice.randrange(10)) for _ in range(length - len(prefix) - 1))
    doubled = (int(c) * 2 if place % 2 == 0 else int(c) for place, c in enumerate(reversed(body)))
    return body + str(-sum(each - 9 if each > 9 else each for each in doubled) % 10)


def telephones(dice: random.Random, count: int) -> Iterator[str]:
    """Telephone numbers of twenty countries, in national and international form."""
    written = [list(_written(country)) for country in COUNTRIES]
    for _ in range(count):
        example = dice.choice(dice.choice(written))
        places = [place for place, c in enumerate(example) if c.isdecimal()][-6:]
        yield "".join(str(dice.randrange(10)) if place in places else c for place, c in enumerate(example))


def _written(country: str) -> Iterator[str]:
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(country, kind)
        assert number is not None
        at_home, abroad, plain = (
            phonenumbers.format_number(number, how)
            for how in (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164)
        )
        yield from (
            at_home,
            abroad,
            plain,
            f"00{plain[1:]}",
            f"00 {abroad[1:]}",
            abroad.replace(" ", "-"),
            abroad.replace(" ", "."),
        )
        yield f"Tel. {abroad.replace(' ', ' (', 1).replace(' ', ') ', 2).replace(') (', ' (')}"


def other_numbers(dice: random.Random, count: int) -> Iterator[str]:
    """Addresses, tax numbers, IBANs and CLABEs, a quarter each."""
    for _ in range(count):
        yield dice.choice((address, taxpayer, iban, clabe))(dice)


ADDRESSES = (
    "Av. Insurgentes Sur 0000 int. 00, Col. Del Valle, 00000 Ciudad de México",
    "Calle 5 de Mayo 000\n00000 Puebla, Pue.",
    "Carrera 00 # 00-00\n000000 Bogotá D.C.",
    "Calle 000 # 00-00 Apto 000, Medellín 000000",
    "Av. Corrientes 0000, piso 00 B\nC0000ABC Buenos Aires",
    "Rua Augusta, 0000 - conj. 00\n00000-000 São Paulo - SP",
    "Jr. de la Unión 000, Lima 00000",
    "Av. Providencia 0000, of. 0000, 0000000 Santiago",
    "Calle Gran Vía, 00, 00º 00\n00000 Madrid",
    "Main St 0000, Apt 00\nSpringfield, IL 00000-0000",
    "00/00 Rue de Rivoli, 00000 Paris",
    "Lindenstraße 00-00, 00000 Berlin",
    "0-00-00 Ginza, Chuo-ku, Tokyo 000-0000",
    "PO Box 000000, Sydney NSW 0000",
    "Km 00.0 Carretera a El Salvador, Bodega 00, 00000 Guatemala",
)
"""Addresses with a zero for each digit."""


def address(dice: random.Random) -> str:
    return "".join(str(dice.randrange(10)) if c == "0" else c for c in dice.choice(ADDRESSES))


def taxpayer(dice: random.Random) -> str:
    def digits(count: int) -> str:
        return "".join(str(dice.randrange(10)) for _ in range(count))

    letters = "".join(dice.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(4))
    cnpj = _with_cnpj_checks(f"{digits(8)}0001")
    return dice.choice(
        (
            f"{letters}{digits(6)}{dice.choice('ABC')}{digits(2)}",  # RFC
            f"{digits(8)}{letters[0]}",  # NIF
            f"{dice.choice((20, 27, 30))}-{digits(8)}-{digits(1)}",  # CUIT
            f"{digits(3)}.{digits(3)}.{digits(3)}-{digits(2)}",  # CPF
            f"{cnpj[:2]}.{cnpj[2:5]}.{cnpj[5:8]}/{cnpj[8:12]}-{cnpj[12:]}",
            cnpj,
            f"{digits(2)}.{digits(3)}.{digits(3)}-{dice.choice('0123456789K')}",  # RUT
            f"900.{digits(3)}.{digits(3)}-{digits(1)}",  # NIT
            f"20{digits(9)}",  # RUC of Peru
            f"17{digits(8)}001",  # RUC of Ecuador
            f"{digits(2)}-{digits(7)}",  # EIN
            f"ES{letters[0]}{digits(8)}",
            f"DE{digits(9)}",
        )
    )


def _with_cnpj_checks(digits: str) -> str:
    for weights in ("543298765432", "6543298765432"):
        rest = sum(int(c) * int(weight) for c, weight in zip(digits, weights, strict=True)) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    return digits


IBANS = {"ES": 20, "DE": 18, "FR": 23, "PT": 21, "BE": 12, "CR": 18, "IT": 22, "NL": 10, "GB": 14}
"""Digits of the account, by country."""


def iban(dice: random.Random) -> str:
    country = dice.choice(list(IBANS))
    digits = "".join(str(dice.randrange(10)) for _ in range(IBANS[country]))
    account = {"IT": "X", "NL": "ABNA", "GB": "WEST"}.get(country, "") + digits
    check = 98 - int("".join(str(int(c, 36)) for c in f"{account}{country}00")) % 97
    plain = f"{country}{check:02}{account}"
    grouped = " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))
    return dice.choice((plain, grouped, f"IBAN: {grouped}", plain.lower(), f"{grouped} gracias"))


def clabe(dice: random.Random) -> str:
    bank = dice.choice(("002", "012", "014", "021", "036", "044", "058", "072", "127", "137", "638", "646", "661", "722"))
    digits = bank + "".join(str(dice.randrange(10)) for _ in range(14))
    check = -sum(int(c) * weight % 10 for c, weight in zip(digits, (3, 7, 1) * 6, strict=False)) % 10
    plain = f"{digits}{check}"
    grouped = f"{plain[:3]} {plain[3:6]} {plain[6:17]} {plain[17]}"
    return dice.choice((plain, plain, grouped, f"CLABE {plain}", f"CLABE: {plain}, a mi nombre"))


def _digit(dice: random.Random, value: int) -> str:
    return chr(ord("0") + value) if dice.random() < 0.8 else _OTHERS[dice.randrange(len(_OTHERS))][value]


_OTHERS = (
    *("".join(chr(ord(zero) + value) for value in range(10)) for zero in "０٠۰०๐𝟎𝟘𝟬"),
    *("⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "⓪➀➁➂➃➄➅➆➇➈"),
)
"""The ten digits of other scripts and styles."""
