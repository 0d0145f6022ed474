"""Settings: where they come from, what is possible, and that secrets stay secret."""

from pathlib import Path

import pytest

from interfaces.settings import Settings, SettingsRefused, unknown_names

_URLS = {
    "LASTRO_DATABASE_URL": "postgresql://lastro_app:s3cret@db/lastro",
    "LASTRO_OWNER_URL": "postgresql://lastro_owner:s3cret@db/lastro",
    "LASTRO_PROJECTOR_URL": "postgresql://db/lastro?user=lastro_projector&password=s3cret",
}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("LASTRO_"):
            monkeypatch.delenv(name)


def test_without_any_setting_lastro_is_embedded_below_the_working_directory() -> None:
    settings = Settings.load()
    assert settings.is_embedded
    assert settings.data == Path(".lastro")
    assert settings.master_key == Path(".lastro/master.key")
    assert (settings.access_token_s, settings.refresh_token_s) == (600, 2_592_000)
    assert (settings.login_failures_max, settings.login_window_s, settings.login_lock_s) == (5, 900, 900)
    assert settings.queue_commands_max == 10_000
    assert not settings.registration_is_open


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lastro.toml"
    file.write_text('data = "from the file"\napi_port = 1\npaper_fee_bps = 7\n')
    monkeypatch.setenv("LASTRO_CONFIG", str(file))
    monkeypatch.setenv("LASTRO_API_PORT", "2")
    monkeypatch.setenv("LASTRO_DATA", "from the environment")
    settings = Settings.load(data=Path("from the option"), api_port=None)
    assert (settings.data, settings.api_port, settings.paper_fee_bps) == (Path("from the option"), 2, 7)


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTRO_DATABASE_URL", "")
    assert Settings.load().is_embedded


def test_a_demo_is_open_for_registration_unless_told_otherwise() -> None:
    assert Settings.load(env="demo").registration_is_open
    assert not Settings.load(env="demo", open_registration=False).registration_is_open


@pytest.mark.parametrize("missing", _URLS)
def test_the_three_urls_are_set_together(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, url in _URLS.items():
        if name != missing:
            monkeypatch.setenv(name, url)
    with pytest.raises(SettingsRefused, match="set together or not at all"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [("LASTRO_ENV", "staging"), ("LASTRO_API_PORT", "70000"), ("LASTRO_PAPER_FEE_BPS", "-1"), ("LASTRO_POLL_S", "0")],
)
def test_an_impossible_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsRefused, match=name):
        Settings.load()


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lastro.toml"
    file.write_text("api_prot = 1\n")
    monkeypatch.setenv("LASTRO_CONFIG", str(file))
    with pytest.raises(SettingsRefused, match="LASTRO_API_PROT"):
        Settings.load()


@pytest.mark.parametrize("content", [None, "not = = toml"])
def test_a_missing_or_broken_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "lastro.toml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("LASTRO_CONFIG", str(file))
    with pytest.raises(SettingsRefused, match="LASTRO_CONFIG"):
        Settings.load()


def test_no_secret_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, url in _URLS.items():
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("LASTRO_METRICS_TOKEN", "s3cret")
    settings = Settings.load()
    shown = settings.shown()
    assert "s3cret" not in repr(settings) + str(shown)
    assert shown["LASTRO_DATABASE_URL"] == "postgresql://lastro_app:***@db/lastro"
    assert shown["LASTRO_METRICS_TOKEN"] == "***"


def test_a_refusal_does_not_repeat_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTRO_DATABASE_URL", "postgresql://lastro_app:s3cret@db/lastro")
    with pytest.raises(SettingsRefused) as refusal:
        Settings.load(api_port="s3cret")
    assert "s3cret" not in str(refusal.value)


def test_settings_do_not_change() -> None:
    settings = Settings.load()
    for name in Settings.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(settings, name, 1)


def test_misspelt_variables_are_found() -> None:
    environ = {"LASTRO_API_PROT": "1", "LASTRO_DATA": "x", "LASTRO_MARKET_DATA": "x", "LASTRO_CONFIG": "x", "PATH": "x"}
    assert unknown_names(environ) == ["LASTRO_API_PROT"]


HALF = [
    {"LASTRO_SMTP_HOST": "mail.example.org"},
    {"LASTRO_SMTP_USER": "lastro"},
    {"LASTRO_SMTP_HOST": "mail.example.org", "LASTRO_SMTP_FROM": "post@example.org", "LASTRO_SMTP_TLS": "none"},
    {"LASTRO_OAUTH_GOOGLE_CLIENT_ID": "id", "LASTRO_OAUTH_REDIRECT_URL": "https://app.example.org/back"},
    {"LASTRO_OAUTH_GITHUB_CLIENT_ID": "id", "LASTRO_OAUTH_GITHUB_CLIENT_SECRET": "s3cret"},
    {"LASTRO_OAUTH_GOOGLE_ISSUER": "http://accounts.example.org"},
    {"LASTRO_CORS_ORIGINS": '["*"]'},
    {"LASTRO_CORS_ORIGINS": '["https://app.example.org/page"]'},
]


@pytest.mark.parametrize("variables", HALF)
def test_mail_providers_and_pages_are_whole_and_safe_or_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsRefused) as refusal:
        Settings.load()
    assert "s3cret" not in str(refusal.value)


def test_the_password_of_the_mail_server_and_secrets_at_providers_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("SMTP_PASSWORD", "OAUTH_GOOGLE_CLIENT_SECRET", "OAUTH_GITHUB_CLIENT_SECRET")
    others = {
        "SMTP_USER": "lastro", "OAUTH_GOOGLE_CLIENT_ID": "id", "OAUTH_GITHUB_CLIENT_ID": "id",
        "OAUTH_REDIRECT_URL": "http://localhost/back", "CORS_ORIGINS": '["https://app.example.org:8443"]',
    }  # fmt: skip
    for name, value in {**others, **dict.fromkeys(names, "s3cret")}.items():
        monkeypatch.setenv(f"LASTRO_{name}", value)
    settings = Settings.load()
    assert {settings.shown()[f"LASTRO_{name}"] for name in names} == {"***"}
    assert "s3cret" not in repr(settings)
    assert settings.cors_origins == ("https://app.example.org:8443",)
