"""Settings: where they come from, and how a wrong one is told."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from estafette.settings import SETTINGS
from estafette.settings.problems import SettingsError, load, unknown_variables
from estafette.usecases.accounts.secrets import new_cipher_key


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting comes from outside the test."""
    for name in list(os.environ):
        if name.startswith("ESTAFETTE_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _problem() -> str:
    with pytest.raises(SettingsError) as caught:
        load()
    assert len(caught.value.problems) == 1
    return str(caught.value)


def test_without_anything_the_defaults_hold() -> None:
    settings = load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://localhost:8000"
    assert settings.data_dir == Path(".estafette")
    assert settings.database_url is None
    assert settings.secret_key is None  # there is no default secret


def test_options_win_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "estafette.toml").write_text('port = 1\nhost = "127.0.0.2"\nlog_level = "error"')
    monkeypatch.setenv("ESTAFETTE_PORT", "2")
    monkeypatch.setenv("ESTAFETTE_HOST", "127.0.0.3")
    settings = load(port=3, host=None)
    assert (settings.port, settings.host, settings.log_level) == (3, "127.0.0.3", "error")


def test_the_data_folder_may_hold_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "estafette.toml").write_text("port = 7")
    monkeypatch.setenv("ESTAFETTE_DATA_DIR", str(tmp_path / "data"))
    assert load().port == 7


def test_database_url_is_understood_without_prefix_and_loses_to_the_prefixed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a/b")
    assert load().database_url == "postgresql://a/b"
    monkeypatch.setenv("ESTAFETTE_DATABASE_URL", "postgresql://c/d")
    assert load().database_url == "postgresql://c/d"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTAFETTE_PORT", "")
    monkeypatch.setenv("DATABASE_URL", "")
    assert load().port == 8000
    assert load().database_url is None


def test_networks_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS", "10.1.0.0/16, ::1/128")
    assert load().webhook_allowed_networks == (ip_network("10.1.0.0/16"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("192.168.1.5", "http://192.168.1.5:8000"),
        ("fd00::5", "http://[fd00::5]:8000"),
    ],
)
def test_the_local_url_is_one_that_this_machine_reaches(host: str, url: str) -> None:
    assert load(host=host).local_url == url
    assert load(host=host).listens_beyond_loopback is (host != "127.0.0.1")


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://delivery.example/", "https://delivery.example"),
        ("https://delivery.example//", "https://delivery.example"),
        (" https://delivery.example ", "https://delivery.example"),
        ("HTTPS://Delivery.Example", "https://delivery.example"),
        ("https://delivery.example:443", "https://delivery.example"),
        ("https://delivery.example:8443/", "https://delivery.example:8443"),
        ("https://delivery.example/?", "https://delivery.example"),
        ("https://delivery.example#", "https://delivery.example"),
        ("http://[2001:DB8::5]:8000/", "http://[2001:db8::5]:8000"),
        ("https://доставка.example", "https://xn--80aafg6avvi.example"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_a_public_url_is_kept_as_what_it_means(written: str, url: str) -> None:
    assert load(public_url=written).public_url == url


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("https://example.com/delivery", "must have no path"),
        ("https://example.com/delivery/", "must have no path"),
        ("https://example.com/../x", "must have no path"),
        ("https://example.com/?a=b", "without user name, query"),
        ("https://example.com/x?a=b", "without user name, query"),
        ("https://me@example.com", "without user name, query"),
        ("https://me:hunter2@example.com", "without user name, query"),
        ("https://@example.com", "without user name, query"),
        ("//example.com", "http:// or https://"),
        ("example.com:8000", "http:// or https://"),
        ("ftp://example.com", "http:// or https://"),
        ("https://", "http:// or https://"),
        ("https:///x", "http:// or https://"),
        ("https://[::1", "http:// or https://"),
        ("https://example.com:port", "must have a host, and perhaps a port"),
        ("https://example.com:99999", "must have a host, and perhaps a port"),
        ("https://exa mple.com", "must have a host, and perhaps a port"),
        ("https://exa\\mple.com", "must have a host, and perhaps a port"),
        ("https://*.example.com", "must have a host, and perhaps a port"),
    ],
)
def test_a_public_url_that_would_lead_nowhere_is_refused_with_the_reason(
    written: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(public_url=written)
    assert reason in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ESTAFETTE_PORT", "eighty", "a whole number from 0 to 65535"),
        ("ESTAFETTE_PORT", "70000", "a whole number from 0 to 65535"),
        ("ESTAFETTE_PORT", "80.5", "a whole number from 0 to 65535"),
        ("ESTAFETTE_HEAD_SECONDS", "inf", "a number from 0.1 to 600"),
        ("ESTAFETTE_DEMO", "perhaps", "true or false"),
        ("ESTAFETTE_SANDBOX_STEP_SECONDS", "-1", "a number from 0 to 86400"),
        ("ESTAFETTE_SANDBOX_STEP_SECONDS", "nan", "a number from 0 to 86400"),
        ("ESTAFETTE_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("ESTAFETTE_PUBLIC_URL", "delivery.example", "http:// or https://"),
        ("ESTAFETTE_PUBLIC_URL", "http://x.example/#a", "without user name, query"),
        ("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8,any", "'any' is not a network"),
        ("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS", "10.0.0.1/8", "write 10.0.0.0/8"),
    ],
)
def test_a_wrong_variable_is_named_as_it_was_written_with_its_value_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    told = _problem()
    assert told.startswith(f"{name} = {value!r}: ")
    assert reason in told


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTAFETTE_PORT", "x")
    monkeypatch.setenv("ESTAFETTE_LOG_LEVEL", "x")
    with pytest.raises(SettingsError) as caught:
        load(database_pool_size=0)
    names = {problem.name for problem in caught.value.problems}
    assert names == {"ESTAFETTE_PORT", "ESTAFETTE_LOG_LEVEL", "--database-pool-size"}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ESTAFETTE_NOTIFICATION_GATEWAY_URL", "ftp://x", "http:// or https://"),
        ("ESTAFETTE_NOTIFICATION_GATEWAY_URL", "https://x/a b", "http:// or https://"),
        ("ESTAFETTE_NOTIFICATION_GATEWAY_HEADERS", "[1]", "a JSON object of headers"),
        ("ESTAFETTE_NOTIFICATION_GATEWAY_HEADERS", '{"A b": "x"}', "a JSON object of headers"),
        ("ESTAFETTE_NOTIFICATION_GATEWAY_HEADERS", '{"A": "x\\ny"}', "a JSON object of headers"),
        ("ESTAFETTE_SMTP_URL", "mail.example:25", "smtps://USER:PASSWORD@HOST:PORT"),
        ("ESTAFETTE_SMTP_URL", "smtps://u:hunter2@h/box", "smtps://USER:PASSWORD@HOST:PORT"),
    ],
)
def test_how_people_are_reached_is_told_as_wrong_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    told = _problem()
    assert told.startswith(f"{name}: ")
    assert reason in told
    assert value not in told


def test_letters_come_from_the_public_host_unless_a_setting_says_otherwise() -> None:
    assert load(public_url="https://d.example:8443").smtp_from == "estafette@d.example"
    assert load(smtp_from="a@x.example").smtp_from == "a@x.example"


def test_headers_are_read_from_json_or_from_a_table() -> None:
    read = SETTINGS["notification_gateway_headers"].metadata["read"]
    assert read('{"Authorization": "Bearer x"}') == (("Authorization", "Bearer x"),)
    assert read({"A": "b"}) == (("A", "b"),)


def test_a_wrong_secret_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", "c2VjcmV0")
    told = _problem()
    assert "c2VjcmV0" not in told
    assert "6 bytes instead of 32" in told
    assert "estafette secret-key" in told


@pytest.mark.parametrize(
    "url",
    [
        "mysql://estafette:hunter2@db/x",
        "host=db user=estafette password=hunter2 dbname=x",
        "password='hunter2'",
        "hunter2",
        "mysql://db/x?user=estafette&password=hunter2",
        "mysql://estafette:%68unter2@db/x",
        "service=hunter2 passfile=/etc/hunter2",
        "postgresql://estafette:5/hunter2@db/x",
        "postgresql://estafette:hunter2/@db:x/x",
        "postgresql://estafette:a#hunter2@db/x",
        "postgresql://estafette:hunter2]@[db/x",
        "jdbc:postgresql://db/x?password=hunter2",
        "://hunter2",
        "'postgresql://u:hunter2@db/x'",
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "ESTAFETTE_DATABASE_URL"])
def test_nothing_of_a_wrong_database_url_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    told = _problem()
    assert "hunter2" not in told
    assert "unter2" not in told
    assert told.startswith(f"{name}: must be a postgresql:// URL")


@pytest.mark.parametrize(
    "url", ["ftp://u:hunter2@x/", "ftp://hunter2@x", "http://x?k=hunter2", "a:hunter2@x?k=hunter2"]
)
def test_a_password_in_another_address_is_not_told(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ESTAFETTE_PUBLIC_URL", url)
    assert "hunter2" not in _problem()


@pytest.mark.parametrize(
    ("host", "public_url", "is_public"),
    [
        ("127.0.0.1", "", False),
        ("127.0.0.2", "", False),
        ("::1", "", False),
        ("localhost", "http://localhost:9000", False),
        ("0.0.0.0", "", True),
        ("::", "", True),
        ("192.0.2.7", "", True),
        ("0.0.0.0", "http://localhost:8000", True),
        ("127.0.0.1", "https://delivery.example", True),
    ],
)
def test_others_are_served_where_we_listen_to_them_or_stand_behind_a_proxy(
    host: str, public_url: str, is_public: bool
) -> None:
    assert load(host=host, public_url=public_url).is_public is is_public


@pytest.mark.parametrize("value", ["", "10.0.0.0/8"])
def test_networks_that_are_named_are_known_to_be_also_when_they_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    assert not load().names_webhook_networks
    file = tmp_path / "estafette.toml"
    file.write_text('webhook_allowed_networks = ["192.0.2.0/24"]', "utf-8")
    monkeypatch.setenv("ESTAFETTE_CONFIG", str(file))
    assert load().names_webhook_networks
    monkeypatch.setenv("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS", value)
    assert load().names_webhook_networks
    assert ",".join(map(str, load().webhook_allowed_networks)) == value


def test_secrets_are_not_in_the_repr() -> None:
    key = new_cipher_key()
    settings = load(secret_key=key, database_url="postgresql://u:hunter2@db/x")
    assert settings.secret_key == key
    assert key not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "'x'"),
        ("port", "true"),
        ("port", "8000.5"),
        ("port", "[8000]"),
        ("head_seconds", "nan"),
        ("demo", "2"),
        ("host", "1"),
        ("data_dir", "1"),
        ("public_url", "1"),
        ("log_level", "1"),
        ("trusted_proxies", "1"),
    ],
)
def test_a_wrong_setting_of_the_file_is_named_with_the_file(
    tmp_path: Path, name: str, value: str
) -> None:
    (tmp_path / "estafette.toml").write_text(f"{name} = {value}")
    assert _problem().startswith(f"{name} in estafette.toml = ")


def test_the_file_may_hold_values_of_their_kind_or_texts_of_them(tmp_path: Path) -> None:
    lines = ["port = '81'", "head_seconds = 3", "demo = 'off'", "log_level = 'INFO'"]
    (tmp_path / "estafette.toml").write_text("\n".join([*lines, "trusted_proxies = ['::1/128']"]))
    found = load()
    assert (found.port, found.head_seconds, found.demo, found.log_level) == (81, 3.0, False, "info")
    assert found.trusted_proxies == (ip_network("::1/128"),)


def test_the_defaults_are_values_that_might_be_written() -> None:

    for name, setting in SETTINGS.items():
        if setting.default is not None:
            read = setting.metadata["read"]
            assert read(setting.default) == setting.default, name


@pytest.mark.parametrize("token", ["short", "x" * 201])
def test_a_token_for_metrics_has_a_length_that_nobody_guesses_or_overlooks(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("ESTAFETTE_METRICS_TOKEN", token)
    assert _problem() == "ESTAFETTE_METRICS_TOKEN: must have 16 to 200 characters"


def test_an_unknown_setting_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "estafette.toml").write_text("prot = 8001")
    assert "prot in estafette.toml: there is no such setting; did you mean port?" in _problem()


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "estafette.toml").write_text("port: 8001")
    assert _problem().startswith("estafette.toml: cannot be read")


def test_a_file_that_is_named_and_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTAFETTE_CONFIG", "nowhere.toml")
    assert _problem() == "ESTAFETTE_CONFIG = nowhere.toml: there is no such file"


def test_an_unknown_variable_is_reported_as_probably_misspelt() -> None:
    environ = {
        "ESTAFETTE_PROT": "1",
        "ESTAFETTE_PORT": "1",
        "ESTAFETTE_CONFIG": "x",
        "ESTAFETTE_TEST_DATABASE_URL": "x",
        "OTHER": "1",
    }
    assert [str(problem) for problem in unknown_variables(environ)] == [
        "ESTAFETTE_PROT: there is no such setting; did you mean ESTAFETTE_PORT?"
    ]
