"""Everything that can be configured, read once: from `LASTRO_*`, then from the TOML file named by LASTRO_CONFIG.

It decides defaults and which values are possible; it opens nothing. What is secret never shows itself, neither in a
`repr` nor in the text of a refusal.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import to_json
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from interfaces.withdrawal_terms import DEFAULTS, AssetTerms, DecimalText

PREFIX = "LASTRO_"
CONFIG = f"{PREFIX}CONFIG"
# Names that others read: the file itself, and the market data of the tests.
_NOT_OURS = {CONFIG, f"{PREFIX}MARKET_DATA"}
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):[^@/]*(?=@)|(?<=password=)[^&\s]+")

Bps = Annotated[int, Field(ge=0, le=9_999)]
Count = Annotated[int, Field(ge=1)]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")]
Address = Annotated[str, Field(pattern=r"^(https://|http://(localhost|127\.0\.0\.1)[:/])[^\s]+[^/\s]$")]
"""A server that is spoken to over TLS, or is on this machine."""
Port = Annotated[int, Field(ge=0, le=65_535)]


class SettingsRefused(Exception):
    """A setting has an impossible value; the message names it and the rule, never the value."""


class Settings(BaseSettings):
    """The settings of one process. Durations end in `_s`, sizes say of what."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data: Path = Field(Path(".lastro"), description="directory of this installation")
    env: Literal["development", "production", "demo"] = Field("development", description="kind of installation")

    database_url: SecretStr | None = Field(None, description="PostgreSQL as lastro_app; unset: the embedded server")
    owner_url: SecretStr | None = Field(None, description="PostgreSQL as the owner of the schema, for migrations")
    projector_url: SecretStr | None = Field(None, description="PostgreSQL as lastro_projector, for read models")
    finance_url: SecretStr | None = Field(None, description="PostgreSQL as lastro_finance, for the finance queries")
    finance_every_s: Count = Field(3_600, description="how old the finance queries get before the worker builds them")
    master_key_file: Path | None = Field(None, description="the vault's master key; unset: master.key in the data")
    evidence_key_file: Path | None = Field(None, description="signs checkpoints; unset: evidence.key in the data")
    evidence_every_events: Count = Field(10_000, description="events and receipts after which a checkpoint is signed")
    evidence_every_s: Count = Field(10, description="and seconds after which one is signed in any case")
    liabilities_every_s: Count = Field(3_600, description="seconds between two trees of what is owed to users")

    api_host: str = Field("127.0.0.1", description="address the API listens on")
    api_port: Port = Field(8000, description="port the API listens on; 0 takes a free one")
    cors_origins: tuple[Origin, ...] = Field(
        (), description="origins of pages that may call the API, JSON; none by default"
    )
    metrics_token: SecretStr | None = Field(None, description="bearer token for /metrics from other machines")

    query_connections: Count = Field(8, description="connections for queries, per process")
    vault_connections: Count = Field(4, description="connections for logins and personal data, per process")
    queue_commands_max: Count = Field(10_000, description="commands that may wait in a process; then 503")
    cached_states_max: Count = Field(20_000, description="stream states a process keeps in memory")
    snapshot_every_events: Count = Field(1_000, description="events of a stream between two snapshots")
    poll_s: Count = Field(1, description="how often followers look without being notified")

    access_token_s: Count = Field(600, description="life of an access token")
    refresh_token_s: Count = Field(30 * 86_400, description="life of a session")
    refresh_grace_s: int = Field(20, ge=0, le=30, description="how long a lost answer to a refresh is given again")
    step_up_s: Count = Field(300, description="how long a step-up stands: destinations, keys, second factors")
    limit_anonymous: int = Field(
        100, ge=0, description="requests of an address without token in 15 minutes; 0: no limit"
    )
    limit_users: int = Field(1_000, ge=0, description="requests of a user in 15 minutes")
    limit_admins: int = Field(5_000, ge=0, description="requests of an administrator in 15 minutes")
    limit_finance: int = Field(0, ge=0, description="requests of somebody of finance in 15 minutes")
    limit_api_keys: int = Field(0, ge=0, description="requests of an API key in 15 minutes")
    limit_webhooks: int = Field(0, ge=0, description="messages of providers from an address in 15 minutes")
    login_failures_max: Count = Field(5, description="failed logins that lock a pair of e-mail and address")
    login_window_s: Count = Field(900, description="time in which they count")
    login_lock_s: Count = Field(900, description="how long the pair stays locked")
    password_hash_threads: Count = Field(2, description="password hashes at once, 64 MiB each")
    password_hash_queue_max: Count = Field(32, description="logins that may wait for them; then 429")
    open_registration: bool | None = Field(None, description="anybody may register; unset: in a demo only")

    oauth_redirect_url: str | None = Field(None, description="page that browsers come back to from a provider's login")
    oauth_google_client_id: str | None = Field(None, description="this installation at Google; unset: no such login")
    oauth_google_client_secret: SecretStr | None = Field(None, description="its secret; goes with the id")
    oauth_google_issuer: Address = Field(
        "https://accounts.google.com", description="where Google's configuration is found"
    )
    oauth_github_client_id: str | None = Field(None, description="this installation at GitHub; unset: no such login")
    oauth_github_client_secret: SecretStr | None = Field(None, description="its secret; goes with the id")
    oauth_github_url: Address = Field("https://github.com", description="where people log in to GitHub")
    oauth_github_api_url: Address = Field("https://api.github.com", description="where GitHub says who they are")

    smtp_host: str | None = Field(None, description="mail server that takes messages to people; unset: only the outbox")
    smtp_port: Port = Field(587, description="its port")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how it is spoken to; none: in the clear"
    )
    smtp_user: str | None = Field(None, description="user at the mail server")
    smtp_password: SecretStr | None = Field(None, description="password at the mail server; goes with the user")
    smtp_from: str | None = Field(None, description="sender of messages, as Name <address>; goes with the host")
    smtp_ca_file: Path | None = Field(
        None, description="certificates the mail server is checked by; unset: the system's"
    )
    smtp_retry_s: Count = Field(60, description="after which an unanswered message is tried again; doubles to an hour")
    smtp_patience_s: Count = Field(3 * 86_400, description="age of a message that is not tried any more")

    withdrawal_terms: dict[str, AssetTerms] = Field(
        DEFAULTS, description="fee and limits of withdrawals per asset, JSON; no other asset is paid out"
    )
    withdrawal_requests_per_day: Count = Field(10, description="withdrawals a user may ask for on a day")
    withdrawal_withholding_bps: Bps = Field(0, description="tax withheld from commission that is withdrawn")
    destination_cooling_s: int = Field(86_400, ge=0, description="how long a new destination cannot be used")
    second_person_entries: dict[str, DecimalText] = Field(
        {}, description="amount per asset above which two people post an entry by hand, JSON; none by default"
    )

    exchange_spread_bps: Bps = Field(100, description="what we keep of an exchange between own wallets")
    exchange_tax_bps: Bps = Field(38, description="tax on what is left of it, for the authority")
    exchange_tax: str = Field("iof", description="kind of that tax, as its account is named")
    quote_s: Count = Field(30, description="how long a quote is good")

    stripe_api_key: SecretStr | None = Field(None, description="secret key of the Stripe account; unset: no Stripe")
    stripe_webhook_secret: SecretStr | None = Field(None, description="secret of Stripe's webhook; goes with the key")
    stripe_api_base: str | None = Field(None, description="another address than Stripe's own, for tests")
    sandbox: bool | None = Field(None, description="the payment provider that moves no money; unset: not in production")
    home_tenant: str = Field("main", description="the tenant in whose books the providers' payouts are")
    home_bank: str = Field("main", description="our name for the account at the bank that payouts go to")

    paper_candles: Path | None = Field(None, description="candles the paper venue fills from; unset: built-in ones")
    paper_slippage_bps: Bps = Field(0, description="how much worse than the candle a paper order fills")
    paper_fee_bps: Bps = Field(10, description="fee of a paper fill, in the quote asset")

    @classmethod
    def load(cls, **given: Any) -> Self:  # noqa: ANN401 - options of all types; they are checked here
        """Read the settings; `given` (options of the command line) wins over the environment, that over the file.

        Raises SettingsRefused.
        """
        named = {name: value for name, value in given.items() if value is not None}
        try:
            return cls(**named)
        except ValidationError as error:
            raise SettingsRefused("\n".join(_sentences(error))) from None

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - the library's signature
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library passes all four by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take options first, then the environment, then the file."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        file = os.environ.get(CONFIG)
        if not file:
            return sources
        try:
            return (*sources, TomlConfigSettingsSource(settings_cls, Path(file).resolve(strict=True)))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingsRefused(f"{CONFIG}: {error}") from None

    @model_validator(mode="after")
    def _urls_come_together(self) -> Self:
        if len({url is None for url in (self.database_url, self.owner_url, self.projector_url)}) != 1:
            raise ValueError("database_url, owner_url and projector_url are set together or not at all")
        return self

    @model_validator(mode="after")
    def _no_play_money_in_production(self) -> Self:
        if self.sandbox and self.env == "production":
            raise ValueError("sandbox is refused where env is production")
        if (self.stripe_api_key is None) != (self.stripe_webhook_secret is None):
            raise ValueError("stripe_api_key and stripe_webhook_secret are set together or not at all")
        return self

    @model_validator(mode="after")
    def _mail_goes_safely(self) -> Self:
        if (self.smtp_host is None) != (self.smtp_from is None):
            raise ValueError("smtp_host and smtp_from are set together or not at all")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("smtp_user and smtp_password are set together or not at all")
        if self.smtp_tls == "none" and self.smtp_host not in {None, "localhost", "127.0.0.1", "::1"}:
            raise ValueError("smtp_tls is none for a mail server on this machine only")
        return self

    @model_validator(mode="after")
    def _providers_are_whole(self) -> Self:
        google = (self.oauth_google_client_id is None, self.oauth_google_client_secret is None)
        github = (self.oauth_github_client_id is None, self.oauth_github_client_secret is None)
        if google[0] != google[1] or github[0] != github[1]:
            raise ValueError("the client id and the client secret of a provider are set together or not at all")
        if not (google[0] and github[0]) and self.oauth_redirect_url is None:
            raise ValueError("oauth_redirect_url is set where a provider is")
        return self

    @property
    def has_sandbox(self) -> bool:
        """Say whether the sandbox stands among the payment providers."""
        return self.env != "production" if self.sandbox is None else self.sandbox

    @property
    def is_embedded(self) -> bool:
        """Say whether the embedded server is used."""
        return self.database_url is None

    @property
    def evidence_key(self) -> Path:
        """Where the key that signs checkpoints lies."""
        return self.evidence_key_file or self.data / "evidence.key"

    @property
    def master_key(self) -> Path:
        """Return where the vault's master key is; only the embedded default is made when missing."""
        return self.master_key_file or self.data / "master.key"

    @property
    def registration_is_open(self) -> bool:
        """Say whether anybody may register."""
        return self.env == "demo" if self.open_registration is None else self.open_registration

    def shown(self) -> dict[str, str]:
        """Return all settings as text by the name of their variable, secrets masked."""
        return {f"{PREFIX}{name.upper()}": _masked(value) for name, value in self}


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that look like settings and are none: misspelt ones change nothing, and nobody notices."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | _NOT_OURS
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _masked(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            text = value.get_secret_value()
            return (
                _PASSWORD.sub(lambda match: f"{match[1]}:***" if match[1] else "***", text) if "://" in text else "***"
            )
        case Mapping():
            return to_json(value).decode()
        case _:
            return str(value)


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = "".join(f"{PREFIX}{part}".upper() for part in problem["loc"][:1])
        yield f"{name}: {problem['msg']}" if name else problem["msg"].removeprefix("Value error, ")
