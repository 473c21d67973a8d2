# The image of web server, workers and beat; docker-compose.yml says which of them a container is.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    ONEX_HOME=/var/lib/onex \
    GRANIAN_WORKERS=2

WORKDIR /srv/onex
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/onex onex

COPY requirements/run.txt requirements/
RUN pip install --require-hashes -r requirements/run.txt

COPY . .
USER onex
EXPOSE 8090
CMD ["python", "-m", "granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8090", \
     "--respawn-failed-workers", "--workers-kill-timeout", "4", "--no-ws", "registry.wsgi:application"]
