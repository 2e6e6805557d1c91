"""The settings of each service, as lines for a shell."""

from collections.abc import Iterator, Mapping

from chassis.service.settings import ServiceSettings
from invoicing.settings import Settings as InvoicingSettings
from payments.settings import Settings as PaymentsSettings
from portal_gateway.settings import Settings as GatewaySettings
from portalctl.local.services import Service
from subscriptions.settings import Settings as SubscriptionsSettings

SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "subscriptions": SubscriptionsSettings,
    "payments": PaymentsSettings,
    "invoicing": InvoicingSettings,
    "portal-gateway": GatewaySettings,
}


def exports(service: Service) -> Iterator[str]:
    """`export NAME='value'` for each setting of the service, below its description. The values include secrets."""
    fields = SETTINGS[service.name].model_fields
    for name, value in service.environment.items():
        yield from export(name, value, fields[name.lower()].description or "")


def export(name: str, value: str, description: str) -> Iterator[str]:
    yield f"# {' '.join(description.split())}"
    quoted = value.replace("'", "'\\''")
    yield f"export {name}='{quoted}'"
