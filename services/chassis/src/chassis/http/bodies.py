"""What a request's body may be: exactly what is asked for, and small."""

from pydantic import BaseModel, ConfigDict

MAX_BODY_BYTES = 64 * 1024


class StrictBody(BaseModel):
    """A request's body: a field that nobody knows is an error, not a wish. What was sent is never repeated in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
