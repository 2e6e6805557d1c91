"""A service with one table that reports readiness and stops on request."""

import http.server
import os
import threading


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


if __name__ == "__main__":
    customers = http.server.HTTPServer((os.environ["HTTP_HOST"], int(os.environ["HTTP_PORT"])), Ready)
    threading.Thread(target=customers.serve_forever, daemon=True).start()
    http.server.HTTPServer((os.environ["ADMIN_HOST"], int(os.environ["ADMIN_PORT"])), Ready).serve_forever()
