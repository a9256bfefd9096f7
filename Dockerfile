# The service against a PostgreSQL of one's own (LEDGER_DATABASE_URL); embedded PostgreSQL is not in the image.
# The file system may be read-only: nothing is written but /dev/shm.
#
#   docker build --tag loyalty-ledger .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges --publish 8000:8000 \
#     --env LEDGER_DATABASE_URL=... loyalty-ledger
#   docker run --rm --env LEDGER_OWNER_DATABASE_URL=... --env LEDGER_DATABASE_URL=... loyalty-ledger migrate

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/ledger
# First what changes seldom, so that a change of the code alone does not install everything again.
COPY requirements.lock ./
RUN /opt/ledger/bin/pip install --require-hashes --only-binary :all: --requirement requirements.lock
COPY pyproject.toml setup.cfg README.md ./
COPY migrations ./migrations
COPY ledger ./ledger
# Without build isolation, because that would fetch a build tool that no hash pins; setuptools is in the lock.
RUN /opt/ledger/bin/pip install --no-deps --no-build-isolation --no-index . \
    && /opt/ledger/bin/pip check \
    && /opt/ledger/bin/pip uninstall --yes setuptools pip

FROM python:${PYTHON}-slim
# A number, so that a cluster can see that it is not root.
RUN groupadd --system --gid 10001 ledger \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent ledger
COPY --from=build /opt/ledger /opt/ledger
ENV PATH=/opt/ledger/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LEDGER_HOST=0.0.0.0 \
    LEDGER_PORT=8000
WORKDIR /
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['LEDGER_PORT']}/livez\", timeout=2)"]
ENTRYPOINT ["ledger"]
CMD ["serve"]
