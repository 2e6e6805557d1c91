"""`python -m chassis.runtime.probe`: exit code 0 if the service of this container is ready, for container health checks."""

import os
import sys
from http.client import HTTPConnection, HTTPException

_SECONDS = 4.0


def ready(host: str, port: int) -> bool:
    """Whether /health/ready of the admin listener answers with 200."""
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not ready("127.0.0.1", int(os.environ["ADMIN_PORT"])))
