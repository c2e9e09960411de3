#!/bin/sh
# Builds what the image holds: ./deploy/build.sh PREFIX makes a virtual environment there, of ses-streams, its compiled
# short way, and what requirements/run.txt pins by hash; beside it, sbom.cdx.json says what that is. Run from the
# project's root by deploy/Dockerfile, and by tests/chart/test_image.py, so that it is proved where no engine is.
set -eu
prefix=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/tools"
tools="$work/tools/bin/python"
"$tools" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/image.txt
"$tools" -m build --wheel --no-isolation --outdir "$work/wheels" . >/dev/null
"$tools" -m build --wheel --no-isolation --outdir "$work/wheels" kernel >/dev/null

# No pip in there: nothing is installed into an image that runs.
python3 -m venv --without-pip "$prefix"
into() { "$tools" -m pip --python "$prefix/bin/python" install --quiet --disable-pip-version-check --no-deps "$@"; }
into --require-hashes --only-binary :all: -r requirements/run.txt
into "$work"/wheels/*.whl

"$work/tools/bin/cyclonedx-py" environment --output-reproducible --output-file "$prefix/sbom.cdx.json" "$prefix/bin/python"
