"""The page behind /docs: every operation of the OpenAPI document in plain HTML, without anything from elsewhere."""

from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
code{font-size:.95em}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}details{margin:.4rem 0}
summary{cursor:pointer}b{display:inline-block;min-width:4rem}.s{color:#555;margin-left:4.3rem}
@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}.s{color:#aaa}}
"""


def as_page(openapi: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    sections: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            section = operation.get("tags", ["other"])[0]
            sections.setdefault(section, []).append(_operation(path, method, operation))
    parts = [f"<h2>{escape(name)}</h2>{''.join(items)}" for name, items in sections.items()]
    title = escape(openapi["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(openapi['info']['description'])} The machine-readable form is "
        f'<a href="/openapi.json">/openapi.json</a>.</p>{"".join(parts)}</html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    answers = ", ".join(sorted(operation["responses"]))
    parameters = ", ".join(f"{one['name']} ({one['in']})" for one in operation.get("parameters", []))
    body = " · JSON body" if "requestBody" in operation else ""
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code></summary>"
        f'<div class="s">{escape(operation.get("description", ""))}<br>'
        f"<code>{escape(operation['operationId'])}</code>{body}"
        f"{' · ' + escape(parameters) if parameters else ''}<br>answers {answers}</div></details>"
    )
