"""Which providers of identities an installation has, by its settings; none without."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from application.identity_ports import IdentityProvider
from interfaces.settings import Settings

if TYPE_CHECKING:
    from interfaces.identity.oauth import Credentials


def identity_providers(settings: Settings) -> Mapping[str, IdentityProvider]:
    """Return the providers by name."""
    if settings.oauth_redirect_url is None:
        return {}
    from interfaces.identity import github, google  # noqa: PLC0415 - a third of a second, for who has such logins

    found: dict[str, IdentityProvider] = {}
    at_google = _credentials(settings, settings.oauth_google_client_id, settings.oauth_google_client_secret)
    if at_google is not None:
        found[google.NAME] = google.Google(at_google, issuer=settings.oauth_google_issuer)
    at_github = _credentials(settings, settings.oauth_github_client_id, settings.oauth_github_client_secret)
    if at_github is not None:
        url, api_url = settings.oauth_github_url, settings.oauth_github_api_url
        found[github.NAME] = github.GitHub(at_github, url=url, api_url=api_url)
    return found


def _credentials(settings: Settings, client_id: str | None, secret: SecretStr | None) -> "Credentials | None":
    from interfaces.identity.oauth import Credentials  # noqa: PLC0415 - the same

    if client_id is None or secret is None or settings.oauth_redirect_url is None:
        return None
    return Credentials(
        client_id=client_id, client_secret=secret.get_secret_value(), redirect_url=settings.oauth_redirect_url
    )
