"""Write the settings from KAFKA_… variables, format the log folder on the first start, then become Kafka."""

import base64
import os
import subprocess
import uuid
from pathlib import Path

SETTINGS = Path("/tmp/server.properties")
LOGGING = Path("/tmp/log4j2.properties")
OF_JAVA = {"KAFKA_HEAP_OPTS"}


def setting(variable: str) -> str:
    """As in the official image: one underscore is a dot, two are an underscore, three a dash."""
    return variable[6:].lower().replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


settings = {setting(name): value for name, value in os.environ.items() if name.startswith("KAFKA_") and name not in OF_JAVA}
SETTINGS.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
LOGGING.write_text(
    "rootLogger.level = warn\nrootLogger.appenderRef.console.ref = console\nappender.console.type = Console\n"
    "appender.console.name = console\nappender.console.layout.type = PatternLayout\n"
    "appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n\n"
)
heap = os.environ.get("KAFKA_HEAP_OPTS", "-Xmx512m").split()
java = ["/opt/java/bin/java", *heap, "-XX:+UseSerialGC", "-XX:-UsePerfData", "--sun-misc-unsafe-memory-access=allow"]
java += [f"-Dlog4j2.configurationFile={LOGGING}", "-Dkafka.logs.dir=/tmp", "-cp", "/opt/kafka/*"]
if not (Path(settings["log.dirs"]) / "meta.properties").exists():
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    subprocess.run([*java, "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c", str(SETTINGS)], check=True)
os.execv(java[0], [*java, "kafka.Kafka", str(SETTINGS)])
