# The same environment the tests run in, made by the same program from the same lock. Nothing in the image is a secret.
FROM python:3.11-slim

WORKDIR /lastro
COPY pyproject.toml requirements.lock ./
COPY dev/environment.py dev/environment.py
RUN python dev/environment.py

COPY . .
RUN useradd --system --no-create-home lastro
USER lastro
ENTRYPOINT [".venv/bin/lastro"]
CMD ["--help"]
