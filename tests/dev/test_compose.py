import re
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = {"migrate", "api", "worker"}

SERVICE = {
    "type": "object",
    "required": ["image", "environment"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string"},
        "build": {"type": "string"},
        "command": {"type": "array", "items": {"type": "string"}},
        "configs": {"type": "array"},
        "depends_on": {"type": "object", "additionalProperties": {"type": "object", "required": ["condition"]}},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "healthcheck": {"type": "object", "required": ["test", "interval", "timeout", "retries"]},
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:"}},
        "restart": {"enum": ["no", "unless-stopped"]},
        "secrets": {"type": "array", "items": {"enum": list(COMPOSE["secrets"])}},
        "volumes": {"type": "array", "items": {"type": "string"}},
    },
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_what_it_runs_and_opens_ports_on_loopback_only(name: str) -> None:
    jsonschema.validate(SERVICES[name], SERVICE)


def test_postgres_api_and_worker_run_and_migrations_come_first() -> None:
    assert set(SERVICES) == {"postgres", *OURS}
    assert {name: SERVICES[name]["command"] for name in OURS} == {name: [name] for name in OURS}
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("api", "worker"):
        assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_every_password_comes_from_outside_and_must_be_set() -> None:
    values = [value for service in SERVICES.values() for value in service["environment"].values()]
    secrets = [value for value in values if "PASSWORD" in value or "@" in value]
    assert len(secrets) >= 3
    assert all(re.search(r"\$\{LASTRO_\w+_PASSWORD:\?[^}]+\}", value) for value in secrets)


def test_it_is_the_postgres_of_the_embedded_server() -> None:
    assert SERVICES["postgres"]["image"] == "postgres:18"


def test_the_image_is_given_every_file_it_copies() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).split():
        assert name == "." or name.split("/")[0] in let_in
    assert {"domain", "application", "projections", "interfaces", "dev", "schema"} <= let_in
