"""The merchants and customers of the demo, and their actions in the order of the merchants' clocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

REST = datetime(2023, 5, 20, 18, tzinfo=UTC)
"""The final time of the clocks. Ana's next renewal is on 14 June 2023."""


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Joins:
    """A new customer, with a card unless `card` is None."""

    when: datetime
    customer: str
    profile: Mapping[str, str]
    story: str
    card: str | None = None


@dataclass(frozen=True)
class Subscribes:
    when: datetime
    customer: str
    plan: str


@dataclass(frozen=True)
class ChangesCard:
    when: datetime
    customer: str
    card: str


@dataclass(frozen=True)
class AddsBackup:
    """Another card, which is charged if the default fails. The customer has agreed to that."""

    when: datetime
    customer: str
    card: str


@dataclass(frozen=True)
class Cancels:
    when: datetime
    customer: str
    feedback: str


@dataclass(frozen=True)
class GetsRefund:
    """The merchant issues a credit note for the customer's latest invoice, and refunds its amount."""

    when: datetime
    customer: str
    amount_minor: int
    reason: str


Step = Joins | Subscribes | ChangesCard | AddsBackup | Cancels | GetsRefund


@dataclass(frozen=True)
class Merchant:
    name: str
    configuration: Mapping[str, Any]
    clock_starts_at: datetime
    plans: Mapping[str, Mapping[str, Any]]
    steps: tuple[Step, ...]
    logo: str | None = None
    """A file of `assets`, like the values of `images`."""
    images: Mapping[str, str] = field(default_factory=dict)


TECHSOLUTIONS = Merchant(
    name="techsolutions",
    configuration={
        "name": "TechSolutions Inc.",
        "legal": {
            "name": "TechSolutions Inc.",
            "address": "500 Market Street, Suite 1200\nSan Francisco, CA 94105\nEstados Unidos",
            "tax_id": "94-3141592",
            "country": "US",
        },
        "locale": "es-419",
        "time_zone": "America/Mexico_City",
        "branding": {
            "colour": "#1f57c3",
            "terms_url": "https://techsolutions.example/terminos",
            "privacy_url": "https://techsolutions.example/privacidad",
            "contact_email": "soporte@techsolutions.example",
        },
        "policies": {},
        "invoice_note": "Servicio digital prestado desde San Francisco, Estados Unidos.",
    },
    clock_starts_at=datetime(2020, 6, 1, tzinfo=UTC),
    logo="logo.png",
    plans={
        "premium": {
            "name": "Premium Mensual",
            "description": "Suscripción mensual renovable",
            "price": {"amount_minor": 2999, "currency": "USD"},
            "interval": {"unit": "month", "count": 1},
        },
        "premium-year": {
            "name": "Premium Anual",
            "description": "Suscripción anual renovable",
            "price": {"amount_minor": 29900, "currency": "USD"},
            "interval": {"unit": "year", "count": 1},
        },
        "storage": {
            "name": "Almacenamiento 2 TB",
            "description": "Espacio adicional para tus archivos, renovable cada mes",
            "price": {"amount_minor": 999, "currency": "USD"},
            "interval": {"unit": "month", "count": 1},
        },
    },
    images={"premium": "premium.png", "premium-year": "premium.png", "storage": "storage.png"},
    steps=(
        Joins(
            at(2020, 6, 14),
            "ana",
            {
                "name": "Ana García",
                "email": "ana@example.com",
                "locale": "es-419",
                "country": "MX",
                "tax_id": "GAAA850614QX3",
                "address": "Av. Paseo de la Reforma 222\nJuárez, 06600 Ciudad de México\nMéxico",
            },
            story="three years of paid invoices: the specification's own example",
            card="tok_visa",
        ),
        Subscribes(at(2020, 6, 14), "ana", "premium"),
        Joins(
            at(2022, 8, 3),
            "diego",
            {"name": "Diego Fernández", "email": "diego@example.com", "locale": "es-419", "country": "CO"},
            story="a yearly plan, and a card that has expired since",
            card="tok_expiring_soon",
        ),
        Subscribes(at(2022, 8, 3), "diego", "premium-year"),
        Joins(
            at(2022, 12, 5),
            "elena",
            {"name": "Elena Rodríguez Montoya", "email": "elena@example.com", "locale": "es-419", "country": "CL"},
            story="two subscriptions, and two cards: the default and a backup",
            card="tok_mastercard",
        ),
        Subscribes(at(2022, 12, 5), "elena", "premium"),
        AddsBackup(at(2022, 12, 6), "elena", "tok_visa"),
        Joins(
            at(2023, 1, 17),
            "bruno",
            {"name": "Bruno Díaz", "email": "bruno@example.com", "locale": "es-419", "country": "MX"},
            story="past due: the new card is declined at each renewal",
            card="tok_visa",
        ),
        Subscribes(at(2023, 1, 17), "bruno", "premium"),
        Joins(
            at(2023, 1, 30),
            "felipe",
            {"name": "Felipe Soto", "email": "felipe@example.com", "locale": "es-419", "country": "PE"},
            story="cancelled and over, with a part of the last invoice refunded; the history stays",
            card="tok_amex",
        ),
        Subscribes(at(2023, 1, 30), "felipe", "premium"),
        Joins(
            at(2023, 2, 25),
            "carla",
            {"name": "Carla Núñez", "email": "carla@example.com", "locale": "es-419", "country": "EC"},
            story="cancelled, with access until the paid period ends",
            card="tok_visa",
        ),
        Subscribes(at(2023, 2, 25), "carla", "premium"),
        Subscribes(at(2023, 3, 9), "elena", "storage"),
        Cancels(at(2023, 4, 10), "felipe", "switched_service"),
        ChangesCard(at(2023, 5, 2), "bruno", "tok_saves_then_declines"),
        GetsRefund(at(2023, 5, 3), "felipe", 1500, "customer_request"),
        Cancels(at(2023, 5, 18), "carla", "too_expensive"),
        Joins(
            at(2023, 5, 19),
            "gabriela",
            {"name": "Gabriela Luna", "email": "gabriela@example.com", "locale": "es-419", "country": "MX"},
            story="started yesterday, without a card on file: the first payment is missing",
        ),
        Subscribes(at(2023, 5, 19), "gabriela", "premium"),
        Joins(
            at(2023, 5, 19),
            "isabel",
            {"name": "Isabel Torres", "email": "isabel@example.com", "locale": "es-419", "country": "CR"},
            story="her bank asks her to confirm the first payment",
            card="tok_authenticate_always",
        ),
        Subscribes(at(2023, 5, 19), "isabel", "premium"),
    ),
)

OTHER = Merchant(
    name="other",
    configuration={
        "name": "Ñandú Producciones Audiovisuales del Río de la Plata",
        "legal": {
            "name": "Ñandú Producciones Audiovisuales del Río de la Plata S.R.L.",
            "address": "Av. Corrientes 1234, piso 5\nC1043AAZ Buenos Aires\nArgentina",
            "tax_id": "30-71234567-1",
            "country": "AR",
        },
        "locale": "es-AR",
        "time_zone": "America/Argentina/Buenos_Aires",
        "branding": {"colour": "#6e0b2a", "contact_email": "hola@nandu.example"},
        "policies": {},
    },
    clock_starts_at=datetime(2023, 3, 1, tzinfo=UTC),
    plans={
        "studio": {
            "name": "Estudio completo",
            "description": "Edición, sonido y archivo para todo el equipo",
            "price": {"amount_minor": 1250000, "currency": "ARS"},
            "interval": {"unit": "month", "count": 1},
            "tax": {"name": "IVA", "rate_basis_points": 2100, "inclusive": True},
        }
    },
    steps=(
        Joins(
            at(2023, 3, 8),
            "hugo",
            {
                "name": "Hugo Pérez",
                "email": "hugo@example.com",
                "locale": "es-AR",
                "country": "AR",
                "purchase_order": "OC-2023-0117",
            },
            story="a customer of the second merchant",
            card="tok_visa",
        ),
        Subscribes(at(2023, 3, 8), "hugo", "studio"),
    ),
)

MERCHANTS = (TECHSOLUTIONS, OTHER)
