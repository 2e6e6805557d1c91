"""The settings of this service, in addition to those of every service."""

from typing import Annotated

from pydantic import Field

from chassis.service.setting_types import Expected
from chassis.service.settings import ServiceSettings


class Settings(ServiceSettings):
    test_clock_patience_seconds: Annotated[
        float, Field(ge=0, le=300, allow_inf_nan=False), Expected("a number of seconds from 0 to 300")
    ] = 25
    """How long a call that moves a test clock waits for it to come to rest before it answers 202."""
