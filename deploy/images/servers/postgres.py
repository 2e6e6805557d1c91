"""Create the data folder on the first start, then become PostgreSQL with the given arguments."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

data = Path(os.environ["PGDATA"])
if not (data / "PG_VERSION").exists():
    fresh = data.with_name("new")
    shutil.rmtree(fresh, ignore_errors=True)
    password = Path(os.environ.get("POSTGRES_PASSWORD_FILE", "/tmp/password"))
    if "POSTGRES_PASSWORD" in os.environ:
        password.write_text(os.environ["POSTGRES_PASSWORD"])
    methods = ["--auth-local=trust", "--auth-host=scram-sha-256"]
    form = ["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(["initdb", *form, *methods, f"--pwfile={password}", str(fresh)], check=True)
    with (fresh / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")
    subprocess.run(["sync"], check=True)
    fresh.rename(data)
os.execvp(
    "postgres", ["postgres", "-D", str(data), "-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp", *sys.argv[1:]]
)
