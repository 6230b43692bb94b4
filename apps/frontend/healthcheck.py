"""For Docker's HEALTHCHECK: ends with 0 when this container's own `/healthz` answers 200, with 1 otherwise."""

import http.client
import runpy
import sys

try:
    # No more than the port is read: an error in the configuration has been said by gunicorn.
    port = runpy.run_path("gunicorn.conf.py")["port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"no answer: {error}")
sys.exit(0 if status == 200 else f"status {status}")
