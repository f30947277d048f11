from pathlib import Path
from typing import Any

import pytest
from vcf_agent.agent.settings import (
    ModelSetting,
    Settings,
    api_key,
    is_local,
    load_settings,
    provider_variables,
)
from vcf_agent.memory.errors import InputError

LOCAL = "ollama_chat/llama3.1"


@pytest.fixture(autouse=True)
def no_settings_of_the_developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a settings file and gives the environment that names it."""

    def write(text: str, **more: str) -> dict[str, str]:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return {"VCF_AGENT_SETTINGS": str(path), **more}

    return write


def refused(*parts: str, **arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_settings(**arguments)
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    return str(caught.value)


def test_without_anything_offline_answers_alone() -> None:
    settings = load_settings(environ={})
    assert settings == Settings(workspace=settings.workspace)
    assert settings.models == () and settings.workspace.name == "vcf-agent"


def test_the_file_in_the_users_folder(tmp_path: Path) -> None:
    path = tmp_path / "config" / "vcf-agent" / "settings.toml"
    path.parent.mkdir(parents=True)
    path.write_text("max_turns = 3\n")
    assert load_settings(environ={}).max_turns == 3


def test_every_key_of_the_file(written: Any, tmp_path: Path) -> None:
    environ = written(f"""
        workspace = "{tmp_path.as_posix()}/w"
        local_only = false
        verify_seconds = 2
        max_turns = 4
        budget_usd = 0.5
        models = [
          "anthropic/claude-sonnet-4-5",
          {{name = "openai/a", api_base = "http://h:80/v1/", api_key_env = "K", timeout_s = 9, retries = 0}},
        ]
        """)
    described = ModelSetting("openai/a", "http://h:80/v1", "K", 9.0, 0)
    models = (ModelSetting("anthropic/claude-sonnet-4-5"), described)
    assert load_settings(environ=environ) == Settings(tmp_path / "w", models, False, 2.0, 4, 0.5)


def test_models_as_tables(written: Any) -> None:
    environ = written('[[models]]\nname = "openai/a"\n\n[[models]]\nname = "openai/b"\nretries = 2\n')
    assert load_settings(environ=environ).models == (
        ModelSetting("openai/a"),
        ModelSetting("openai/b", retries=2),
    )


def test_arguments_over_environment_over_file_over_defaults(written: Any) -> None:
    text = 'workspace = "/file"\nmodels = ["openai/file"]\nverify_seconds = 1\nmax_turns = 2\n'
    environ = written(
        text,
        VCF_AGENT_WORKSPACE="/environment",
        VCF_AGENT_MODEL="openai/environment, groq/second",
        VCF_AGENT_VERIFY_SECONDS="0.5",
        VCF_AGENT_LOCAL_ONLY="no",
    )
    settings = load_settings(environ=environ)
    names = ["openai/environment", "groq/second"]
    assert (settings.workspace, [m.name for m in settings.models]) == (Path("/environment"), names)
    assert (settings.verify_seconds, settings.max_turns, settings.budget_usd) == (0.5, 2, None)
    settings = load_settings("/argument", ["openai/argument"], environ)
    assert (settings.workspace, settings.models) == (Path("/argument"), (ModelSetting("openai/argument"),))
    assert load_settings(models=[], environ=environ).models == ()


def test_empty_variables_are_not_set(written: Any) -> None:
    names = ("VCF_AGENT_MODEL", "VCF_AGENT_WORKSPACE", "VCF_AGENT_LOCAL_ONLY", "VCF_AGENT_VERIFY_SECONDS")
    environ = written('models = ["openai/file"]', **dict.fromkeys(names, " "))
    assert load_settings(environ=environ).models == (ModelSetting("openai/file"),)
    assert load_settings(environ={"VCF_AGENT_SETTINGS": ""}).models == ()


def test_a_name_keeps_what_the_file_says_of_the_model(written: Any) -> None:
    environ = written('models = ["openai/a", {name = "openai/lab", api_base = "http://lab:8000/v1"}]')
    lab = ModelSetting("openai/lab", "http://lab:8000/v1")
    assert load_settings(models=["openai/lab"], environ=environ).models == (lab,)
    assert load_settings(environ=environ | {"VCF_AGENT_MODEL": "openai/lab"}).models == (lab,)


@pytest.mark.parametrize("listed", ["offline", "openai/a,offline,openai/b", "openai/a,offline"])
def test_offline_ends_the_list(listed: str) -> None:
    expected = tuple(ModelSetting(name) for name in listed.partition("offline")[0].split(",") if name)
    assert load_settings(environ={"VCF_AGENT_MODEL": listed}).models == expected
    assert load_settings(models=listed.split(","), environ={}).models == expected


def test_a_ready_made_model_is_checked_too() -> None:
    good = ModelSetting("openai/a", timeout_s=3.0)
    assert load_settings(models=[good], environ={}).models == (good,)
    refused("timeout_s", "above 0", models=[ModelSetting("openai/a", timeout_s=0)], environ={})


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert load_settings("~/vcf", environ={}).workspace == Path("/home/someone/vcf")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("max_turns = ", ["not valid TOML"]),
        ("max_turn = 3", ["max_turn", "Did you mean max_turns?"]),
        ("xyzzy = 3", ["xyzzy", "The keys are workspace"]),
        ("max_turns = 'eight'", ["max_turns", "'eight'", "whole number from 1 to 100"]),
        ("max_turns = 0", ["max_turns", "from 1 to 100"]),
        ("max_turns = 2.5", ["max_turns"]),
        ("max_turns = true", ["max_turns"]),
        ("verify_seconds = -1", ["verify_seconds", "0 or more"]),
        ("verify_seconds = nan", ["verify_seconds"]),
        ("verify_seconds = inf", ["verify_seconds"]),
        ("verify_seconds = true", ["verify_seconds"]),
        ("budget_usd = 'much'", ["budget_usd", "a number"]),
        ("local_only = 'yes'", ["local_only", "true or false"]),
        ("workspace = 3", ["workspace", "a folder"]),
        ("workspace = ''", ["workspace"]),
        ("models = 'openai/a'", ["models", "a list"]),
        ("models = [3]", ["models", "provider/model"]),
        ("models = ['gpt-4o']", ["'gpt-4o'", "provider/model"]),
        ("models = ['open ai/x']", ["provider/model"]),
        ("models = ['openai/']", ["provider/model"]),
        ("models = [{api_base = 'http://x'}]", ["without a name"]),
        ("models = [{name = 'openai/a', time_out = 3}]", ["time_out", "timeout_s"]),
        ("models = [{name = 'openai/a', timeout_s = 'long'}]", ["openai/a", "timeout_s", "a number"]),
        ("models = [{name = 'openai/a', retries = -1}]", ["retries", "from 0 to 10"]),
        ("models = [{name = 'openai/a', api_base = 'localhost:8000'}]", ["api_base", "http://"]),
        ("models = [{name = 'openai/a', api_base = 'http://h:port'}]", ["api_base"]),
        ("models = [{name = 'openai/a', api_base = 'http://[::1'}]", ["api_base"]),
    ],
)
def test_a_bad_file(written: Any, text: str, parts: list[str]) -> None:
    refused("mine.toml", *parts, environ=written(text))


@pytest.mark.parametrize(
    "text",
    [
        "models = [{name = 'openai/a', api_key = 'sk-secret'}]",
        "models = [{name = 'openai/a', api_key_env = 'sk-secret'}]",
        "models = [{name = 'openai/a', api_base = 'http://me:sk-secret@host'}]",
    ],
)
def test_a_key_at_the_wrong_place_is_not_repeated(written: Any, text: str) -> None:
    assert "secret" not in refused("api_", environ=written(text))


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("VCF_AGENT_VERIFY_SECONDS", "soon", "a number"),
        ("VCF_AGENT_VERIFY_SECONDS", "nan", "a number"),
        ("VCF_AGENT_LOCAL_ONLY", "perhaps", "true or false"),
        ("VCF_AGENT_MODEL", "gpt-4o", "provider/model"),
        ("VCF_AGENT_SETTINGS", "/no/such/file.toml", "cannot be read"),
        ("VCF_AGENT_SETTINGS", "/", "cannot be read"),
    ],
)
def test_a_bad_variable(variable: str, value: str, part: str) -> None:
    refused(value if "SETTINGS" in variable else variable, part, environ={variable: value})


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    refused("not valid TOML", environ={"VCF_AGENT_SETTINGS": str(path)})


@pytest.mark.parametrize(
    ("model", "local"),
    [
        (ModelSetting(LOCAL), True),
        (ModelSetting("ollama/llama3.1"), True),
        (ModelSetting(LOCAL, "http://127.0.0.1:11434"), True),
        (ModelSetting("openai/m", "http://localhost:8000/v1"), True),
        (ModelSetting("openai/m", "http://[::1]:8000/v1"), True),
        (ModelSetting("hosted_vllm/m", "http://127.0.0.2:8000/v1"), True),
        (ModelSetting("openai/m"), False),
        (ModelSetting(LOCAL, "http://gpu.lab:11434"), False),
        (ModelSetting("ollama_chat/gpt-oss:120b-cloud"), False),
        (ModelSetting("ollama_chat/glm-4.6:cloud", "http://localhost:11434"), False),
        (ModelSetting("openai/m", "http://localhost.evil.example/v1"), False),
        (ModelSetting("openai/m", "http://192.168.0.7/v1"), False),
        (ModelSetting("sagemaker/m", "http://localhost:1"), False),  # LiteLLM sends it to AWS all the same
    ],
)
def test_what_is_local(model: ModelSetting, local: bool) -> None:
    assert is_local(model) is local
    if local:
        assert load_settings(models=[model], environ={"VCF_AGENT_LOCAL_ONLY": "1"}).models == (model,)
    else:
        refused("local_only", model.name, models=[model], environ={"VCF_AGENT_LOCAL_ONLY": "1"})


def test_local_only_from_the_file(written: Any) -> None:
    refused("openai/m", environ=written('local_only = true\nmodels = ["openai/m"]'))
    assert load_settings(environ=written("local_only = true")).local_only


def test_ollamas_own_variable_is_seen() -> None:
    environ = {"OLLAMA_API_BASE": "http://gpu.lab:11434", "VCF_AGENT_MODEL": LOCAL}
    assert load_settings(environ=environ).models[0].api_base == "http://gpu.lab:11434"
    refused(LOCAL, environ=environ | {"VCF_AGENT_LOCAL_ONLY": "true"})
    refused("OLLAMA_API_BASE", environ=environ | {"OLLAMA_API_BASE": "gpu.lab"})


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_local_only_refuses_a_proxy_before_a_local_model(variable: str) -> None:
    environ = {"VCF_AGENT_MODEL": LOCAL, "VCF_AGENT_LOCAL_ONLY": "1", variable: "http://proxy.example:3128"}
    refused(variable, "Put localhost into NO_PROXY.", environ=environ)
    assert load_settings(environ=environ | {"NO_PROXY": "intranet, localhost"}).models
    assert load_settings(environ=environ | {"VCF_AGENT_MODEL": "offline"}).local_only


def test_local_only_refuses_langsmith() -> None:
    refused("LANGSMITH_TRACING", environ={"VCF_AGENT_LOCAL_ONLY": "1", "LANGSMITH_TRACING": "true"})
    assert load_settings(environ={"VCF_AGENT_LOCAL_ONLY": "1", "LANGSMITH_TRACING": "false"}).local_only


def test_keys_stay_in_the_environment() -> None:
    model = ModelSetting("openai/m", api_key_env="LAB_KEY")
    assert api_key(model, {"LAB_KEY": " k "}) == "k" and "k " not in repr(model)
    assert api_key(model, {}) is None and api_key(ModelSetting("openai/m"), {"": "k"}) is None
    environ = {"NANO_GPT_API_KEY": "k", "OTHER": "x"}
    assert provider_variables("nano-gpt", environ) == {"NANO_GPT_API_KEY": "k"}
