"""Which payment providers an installation has, by its settings. The sandbox never stands beside real money."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from application.ports import Clock, Payments
from interfaces.payments.sandbox import SandboxPayments
from interfaces.payments.stripe import StripePayments
from interfaces.postgres.connections import Pool
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.settings import Settings


@asynccontextmanager
async def open_providers(
    settings: Settings, source: Pool, keys: VaultKeys, *, clock: Clock
) -> AsyncIterator[Mapping[str, Payments]]:
    """Give the providers by name; the first is the one that is meant where none is named."""
    providers: dict[str, Payments] = {}
    stripe = None
    if settings.stripe_api_key is not None and settings.stripe_webhook_secret is not None:
        stripe = StripePayments(
            api_key=settings.stripe_api_key.get_secret_value(),
            webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
            api_base=settings.stripe_api_base,
        )
        providers[stripe.name] = stripe
    if settings.has_sandbox:
        sandbox = SandboxPayments(source, clock, secret=keys.sandbox)
        providers[sandbox.name] = sandbox
    try:
        yield providers
    finally:
        if stripe is not None:
            await stripe.close()
