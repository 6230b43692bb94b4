"""For Docker's HEALTHCHECK: ends with 0 when this container's own `/healthz` answers 200, with 1 otherwise."""

import http.client
import os
import sys

try:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=2)
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
except (OSError, KeyError, ValueError, http.client.HTTPException) as error:
    sys.exit(f"no answer: {error}")
sys.exit(0 if status == 200 else f"status {status}")
