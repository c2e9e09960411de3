"""Settings: what is said is what counts, what is misspelt is refused, what is secret is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import BadSettings
from streams.settings import Origin, Setting, Settings, known, load, load_settings

SECRETS = sorted(setting.variable for setting in known() if setting.secret)


def _refused(environ: dict[str, str], file: Path | None = None) -> str:
    with pytest.raises(BadSettings) as caught:
        load_settings(file, environ)
    return str(caught.value)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def test_without_a_word_the_defaults_count() -> None:
    assert load_settings(environ={}) == Settings()


def test_the_environment_goes_before_the_file_and_an_argument_before_both(tmp_path: Path) -> None:
    file = _file(tmp_path, 'partitions = 6\ngroup = "from-file"\n[web]\nport = 1\nhost = "::1"\n')
    loaded = load(file, {"SES_STREAMS_GROUP": "from-env", "SES_STREAMS_WEB__PORT": "2"}, web__port=3, brokers=None)
    settings = loaded.settings
    assert (settings.partitions, settings.group, settings.web.port, settings.web.host) == (6, "from-env", 3, "::1")
    origins = [loaded.origins[path] for path in (("partitions",), ("group",), ("web", "port"), ("brokers",))]
    assert origins == [Origin.FILE, Origin.ENV, Origin.ARGUMENT, Origin.DEFAULT]


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "[join]\npark_minutes = 7\n")
    assert load_settings(environ={"SES_STREAMS_CONFIG": str(file)}).join.park_minutes == 7


@pytest.mark.parametrize("setting", list(known()), ids=lambda setting: setting.name)
def test_every_setting_can_be_set_to_its_own_default_by_the_environment(setting: Setting) -> None:
    default = setting.default
    written = ",".join(default) if isinstance(default, list) else "" if default is None else str(default)
    assert load_settings(environ={setting.variable: written}) == Settings()


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("SES_STREAMS_BROKER", "SES_STREAMS_BROKERS"),
        ("SES_STREAMS_WEB_PORT", "SES_STREAMS_WEB__PORT"),
        ("SES_STREAMS_DATADIR", "SES_STREAMS_DATA_DIR"),
        ("SES_STREAMS_SUPPRESSION__SOFT_BOUNCE", "SES_STREAMS_SUPPRESSION__SOFT_BOUNCES"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(wrong: str, meant: str) -> None:
    assert _refused({wrong: "8081"}) == f"{wrong} is no setting; did you mean {meant}?"


def test_a_misspelt_word_in_the_file_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    file = _file(tmp_path, "[web]\nprot = 1\n")
    assert _refused({}, file) == f"settings file {file}: web.prot is no setting; did you mean web.port?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SES_STREAMS_SERVICE_HOST", "10.0.0.1"),
        ("SES_STREAMS_SERVICE_PORT_HTTP", "8080"),
        ("SES_STREAMS_PORT", "tcp://10.0.0.1:8080"),
        ("SES_STREAMS_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("SES_STREAMS_HEADLESS_PORT", "tcp://10.0.0.1:8080"),
    ],
)
def test_what_kubernetes_says_of_a_service_of_our_name_is_passed_over(name: str, value: str) -> None:
    assert load_settings(environ={name: value}) == Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(environ={"SES_STREAMS_PARTITIONS": "", "SES_STREAMS_WEB__TOKEN": ""}) == Settings()


def test_a_list_is_separated_by_commas() -> None:
    streams = load_settings(environ={"SES_STREAMS_METRICS__STREAMS": "receipts, newsletter,"}).metrics.streams
    assert streams == ("receipts", "newsletter")


def test_everything_that_is_wrong_is_said_at_once_and_by_its_variable() -> None:
    said = _refused(
        {
            "SES_STREAMS_PARTITIONS": "none",
            "SES_STREAMS_WEB__PORT": "99999",
            "SES_STREAMS_LOG__LEVEL": "loud",
            "SES_STREAMS_BROKERS": "here",
        }
    )
    lines = said.splitlines()
    assert len(lines) == 4
    for variable in ("PARTITIONS=none", "WEB__PORT=99999", "LOG__LEVEL=loud", "BROKERS=here"):
        assert any(line.startswith(f"SES_STREAMS_{variable}: ") for line in lines), said


def test_a_wrong_value_in_a_file_is_said_by_its_word_and_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "partitions = 0\n")
    assert _refused({}, file).startswith(f"partitions in {file}=0: ")


@pytest.mark.parametrize("text", ["= 3", "\udcff"])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert _refused({}, file).startswith(f"settings file {file} is not TOML")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert _refused({}, tmp_path / "none.toml") == f"settings file {tmp_path / 'none.toml'}: No such file or directory"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"PROTOCOL": "SASL_SSL"}, "protocol SASL_SSL needs sasl_mechanism, sasl_username, sasl_password"),
        ({"SASL_USERNAME": "me"}, "protocol PLAINTEXT has no use for sasl_username"),
        ({"PROTOCOL": "SSL", "SSL_CAFILE": "/none.pem"}, "there is no file /none.pem"),
        ({"PROTOCOL": "SSL", "SSL_KEYFILE": "/none.pem"}, "ssl_certfile and ssl_keyfile go together"),
    ],
)
def test_a_half_made_login_is_refused_at_once(words: dict[str, str], said: str) -> None:
    environ = {f"SES_STREAMS_SECURITY__{name}": value for name, value in words.items()}
    assert _refused(environ) == f"SES_STREAMS_SECURITY: {said}"


def test_a_send_is_not_forgotten_before_it_can_be_counted() -> None:
    said = _refused({"SES_STREAMS_JOIN__UNANSWERED_DAYS": "5", "SES_STREAMS_JOIN__FORGET_DAYS": "4"})
    assert "unanswered_days is longer than forget_days" in said


def test_secrets_are_what_we_think() -> None:
    assert SECRETS == [
        "SES_STREAMS_DISPATCH__SMTP__PASSWORD",
        "SES_STREAMS_LOG__KEY",
        "SES_STREAMS_SCHEMA_REGISTRY__PASSWORD",
        "SES_STREAMS_SECURITY__SASL_PASSWORD",
        "SES_STREAMS_SECURITY__SSL_KEY_PASSWORD",
        "SES_STREAMS_UNSUBSCRIBE__KEY",
        "SES_STREAMS_UNSUBSCRIBE__OLD_KEYS",
        "SES_STREAMS_WEB__TOKEN",
    ]


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_shows_in_no_representation_and_in_no_error(variable: str) -> None:
    login = {
        "SES_STREAMS_SECURITY__PROTOCOL": "SASL_PLAINTEXT",
        "SES_STREAMS_SECURITY__SASL_MECHANISM": "PLAIN",
        "SES_STREAMS_SECURITY__SASL_USERNAME": "me",
        "SES_STREAMS_SECURITY__SASL_PASSWORD": "other",
        "SES_STREAMS_DISPATCH__SMTP__USERNAME": "me",
        "SES_STREAMS_DISPATCH__SMTP__PASSWORD": "other",
    }
    secret = "canary" * 6  # some secrets must be long
    loaded = load(environ=login | {variable: secret})
    shown = [str(setting.shown(loaded.value(setting))) for setting in known()]
    assert "canary" not in repr(loaded) + str(shown) + loaded.settings.model_dump_json()
    assert "canary" not in _refused({variable: secret, "SES_STREAMS_PARTITIONS": "0"} | login)


def test_a_registry_address_with_a_password_in_it_is_refused_and_not_repeated() -> None:
    said = _refused({"SES_STREAMS_SCHEMA_REGISTRY__URL": "https://me:canary@registry.example.com"})
    assert said.startswith("SES_STREAMS_SCHEMA_REGISTRY__URL=(not shown): ")
    assert "canary" not in said


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().partitions = 3  # type: ignore[misc]  # that it is refused is the point
