"""`python -m tests.cluster`: build what a cluster is made of, and say so, for it takes long the first time."""

from __future__ import annotations

import sys
import time

from tests.cluster.programs import NoCluster, built, go, is_built
from tests.conftest import in_ci

if __name__ == "__main__":
    begun = time.monotonic()
    try:
        if not is_built() and go():
            print(
                "building etcd, kube-apiserver, kube-controller-manager and helm with Go: ten minutes, once", flush=True
            )
        found = built()
    except NoCluster as missing:
        print(f"no cluster for the chart's tests: {missing}")
        sys.exit(1 if in_ci() else 0)
    print(f"{found} ({found.stat().st_size >> 20} MiB, {time.monotonic() - begun:.0f} s)")
