"""What the image apache/kafka does when it starts: make settings of KAFKA_ variables, format the disk, run a broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from tests.kafka.jars import jars, java

    home, address = Path(os.environ["HOME"]), os.environ["POD_IP"]
    lines = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value.replace("://:", f"://{address}:")
        for name, value in os.environ.items()
        if name.startswith("KAFKA_")
    }
    settings = home / "server.properties"
    settings.write_text(
        "".join(f"{name}={value}\n" for name, value in {"log.dirs": str(home / "data"), **lines}.items())
    )
    run = [java(), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*"]
    formatted = [*run, "kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", str(settings)]
    subprocess.run(formatted, check=True)
    os.execv(run[0], [*run, "kafka.Kafka", str(settings)])  # noqa: S606 - so that signals reach it
