"""Sealing, keyed look-ups and the master key's file; no database."""

import base64
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.postgres.vault_crypto import (
    SealBroken,
    VaultKeys,
    VaultUnusable,
    load_master_key,
    new_key,
    seal,
    unseal,
)

KEYS = VaultKeys.derive(bytes(range(32)))
PLACE = ("acme", "0" * 32, "records.email", 1)


@given(plain=st.binary(max_size=200))
def test_what_was_sealed_can_be_opened_in_its_place(plain: bytes) -> None:
    key = new_key()
    assert unseal(key, seal(key, plain, *PLACE), *PLACE) == plain


def test_sealing_twice_never_gives_the_same() -> None:
    key = new_key()
    assert seal(key, b"same", *PLACE) != seal(key, b"same", *PLACE)


@pytest.mark.parametrize("part", range(4))
def test_another_tenant_record_field_or_version_cannot_open_it(part: int) -> None:
    key = new_key()
    sealed = seal(key, b"secret", *PLACE)
    other: list[str | int] = list(PLACE)
    other[part] = 2 if part == 3 else "other"
    with pytest.raises(SealBroken):
        unseal(key, sealed, *other)


def test_another_key_cannot_open_it() -> None:
    with pytest.raises(SealBroken):
        unseal(new_key(), seal(new_key(), b"secret", *PLACE), *PLACE)


def test_one_changed_bit_anywhere_is_noticed() -> None:
    key = new_key()
    sealed = seal(key, b"secret", *PLACE)
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            unseal(key, bytes(changed), *PLACE)


@pytest.mark.parametrize("length", [0, 1, 5, 12, 13, 28])
def test_a_value_cut_short_is_noticed(length: int) -> None:
    key = new_key()
    with pytest.raises(SealBroken):
        unseal(key, seal(key, b"secret", *PLACE)[:length], *PLACE)


def test_a_part_of_a_place_cannot_reach_into_the_next() -> None:
    with pytest.raises(AssertionError):
        seal(new_key(), b"secret", "acme|other", "x")


def test_an_address_has_one_name_per_tenant_however_it_is_written() -> None:
    name = KEYS.email("acme", "Ana@Example.com")
    assert KEYS.email("acme", " ana@example.COM ") == name
    assert KEYS.email("globex", "ana@example.com") != name
    assert len(name) == 32


def test_the_name_of_an_address_stays_the_same_for_ever() -> None:
    assert KEYS.email("acme", "ana@example.com") == "fa93c214bec04ef35d9fc4a10febee5a"
    assert KEYS.fingerprint == "be5675263983839f"


def test_names_of_pairs_do_not_run_into_each_other() -> None:
    assert KEYS.login_pair("acme", "a@b.c", "1.2.3.4") != KEYS.login_pair("acme", "a@b.c", "1.2.3.45")
    assert KEYS.login_pair("acme", "a@b.c", "1.2.3.4") != KEYS.login_pair("globex", "a@b.c", "1.2.3.4")


def test_keys_do_not_show_themselves() -> None:
    shown = repr(KEYS)
    assert KEYS.fingerprint in shown
    assert "wrapping" not in shown
    assert "looking_up" not in shown


def test_a_master_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with ThreadPoolExecutor(8) as executor:
        keys = list(executor.map(lambda _: load_master_key(path, create=True), range(8)))
    assert len({key.fingerprint for key in keys}) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert load_master_key(path) == keys[0]


def test_a_missing_master_key_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(VaultUnusable, match="cannot read"):
        load_master_key(tmp_path / "master.key")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not base64!", "holds no key"),
        (b"\xff\xfe", "holds no key"),
        (base64.b64encode(bytes(16)), "32 bytes"),
        (b"", "32 bytes"),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(VaultUnusable, match=message):
        load_master_key(path)


def test_our_own_key_is_refused_when_others_may_read_it_and_a_given_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "master key"
    keys = load_master_key(path, create=True)
    path.chmod(0o640)
    with pytest.raises(VaultUnusable, match=r"chmod 600 '.*master key'"):
        load_master_key(path, create=True)
    assert load_master_key(path) == keys


def test_the_command_that_makes_a_key_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "master key"
    with pytest.raises(VaultUnusable) as refusal:
        load_master_key(path)
    subprocess.run(["sh", "-c", str(refusal.value).partition(":  ")[2]], check=True)
    assert load_master_key(path).fingerprint
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
