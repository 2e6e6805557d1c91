"""A service with one table that reports readiness and stops on request."""

import asyncio
import http.server
import os
import sys
import threading

import asyncpg


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


async def migrate() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_OWNER_URL"])
    await connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz DEFAULT now())")
    await connection.execute("INSERT INTO starts DEFAULT VALUES")
    await connection.close()


if __name__ == "__main__":
    if sys.argv[1] == "migrate":
        asyncio.run(migrate())
    else:
        customers = http.server.HTTPServer((os.environ["HTTP_HOST"], int(os.environ["HTTP_PORT"])), Ready)
        threading.Thread(target=customers.serve_forever, daemon=True).start()
        http.server.HTTPServer((os.environ["ADMIN_HOST"], int(os.environ["ADMIN_PORT"])), Ready).serve_forever()
