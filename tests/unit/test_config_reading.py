"""YAML scalars are read as DVC reads them (YAML 1.2), and files that are right give what they say."""

import subprocess
import sys
from typing import ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Field

from ecgan.config import Params, load_params
from ecgan.config.names import declared, defaults_of, resolve
from ecgan.config.options import Options
from ecgan.config.reading import read_document
from ecgan.errors import EcganError
from ecgan.registry import DATASETS, MODELS

MINIMAL = "dataset: calmset\nmodels: [calmnet]\nmodules: {calmnet: {}}\n"


class Inner(Options):
    lr: float = Field(0.5, gt=0, description="Rate.")
    maybe: float | None = Field(0.25, description="Rate or nothing.")


class NetOptions(Options):
    rate: float = Field(1.0, description="Rate.")
    inner: Inner = Field(Inner(), description="Inner.")


@pytest.fixture(autouse=True)
def _parts():
    @DATASETS.register("calmset")
    class CalmSet:
        Fetch = Options
        Preprocess = Options
        defaults: ClassVar = {"split": {"protocol": "stratified", "k": 4}, "train": {"epochs": 7}}

    @MODELS.register("calmnet", "calmalias")
    class CalmNet:
        Options = NetOptions
        defaults: ClassVar = {"train": {"epochs": 9, "patience": 3}}

    yield
    for registry, name in ((DATASETS, "calmset"), (MODELS, "calmnet")):
        del registry._entries[name]
    MODELS._aliases.pop("calmalias")


def load(tmp_path, text: str, **kwargs) -> Params:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load_params(path, **kwargs)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5e3", ".5e3"),
        ("1e5", 1e5),
        ("-2.5E-3", -2.5e-3),
        ("3.", 3.0),
        ("+7", 7),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("1e-4x", "1e-4x"),
        ("e4", "e4"),
        ("'1e-4'", "1e-4"),
        ('"64"', "64"),
    ],
)
def test_scalars(text, value, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"key: {text}\n")
    found = read_document(path, hint="").data["key"]
    assert found == value
    assert type(found) is type(value)


@settings(deadline=None, max_examples=200)
@given(st.text("0123456789eE+-._xob", min_size=1, max_size=7))
@example("1e-4")
@example("0x_")
def test_numbers_are_those_that_dvc_reads(tmp_path_factory, text):
    ruamel = pytest.importorskip("ruamel.yaml")
    path = tmp_path_factory.getbasetemp() / "number.yaml"
    path.write_text(f"key: {text}\n")
    try:
        theirs = ruamel.YAML(typ="safe", pure=True).load(path)["key"]
    except Exception:  # ruamel takes some broken numbers for numbers and fails on them
        with pytest.raises(EcganError):
            read_document(path, hint="")
        return
    found = read_document(path, hint="").data["key"]
    assert repr(found) == repr(theirs)


def test_defaults_come_from_the_dataset_then_the_model_then_the_file(tmp_path):
    params = load(tmp_path, MINIMAL)
    assert (params.split.protocol, params.split.k, params.split.folds) == ("stratified", 4, [0, 1, 2, 3])
    assert (params.train.epochs, params.train.patience) == (9, 3)
    assert load(tmp_path, MINIMAL + "train: {epochs: 2}\n").train.epochs == 2
    assert load(tmp_path, MINIMAL + "train: {epochs: 2}\n").train.patience == 3


def test_defaults_do_not_depend_on_whether_models_are_looked_at(tmp_path):
    typed, plain = load(tmp_path, MINIMAL), load(tmp_path, MINIMAL, models=False)
    assert plain.modules == {"calmnet": {}}
    assert plain.model_copy(update={"modules": typed.modules}) == typed


def test_an_empty_value_is_the_default(tmp_path):
    text = MINIMAL + "experiment:\n  run:\n  data_dir:\ntrain:\n  leads:\n  epochs:\nruntime:\nplugins:\n"
    params = load(tmp_path, text)
    assert params.experiment.run is None
    assert params.experiment.data_dir == "data"
    assert params.train.leads is None
    assert params.train.epochs == 9
    assert params.runtime.seed == 0


def test_null_stays_null_where_null_means_something(tmp_path):
    text = MINIMAL.replace("{calmnet: {}}", "{calmnet: {inner: {lr: , maybe: null}}}")
    inner = load(tmp_path, text).modules["calmnet"].inner
    assert inner.maybe is None
    assert inner.lr == 0.5


def test_an_alias_is_resolved_in_the_list_and_in_the_sections(tmp_path):
    text = MINIMAL.replace("[calmnet]", "[calmalias]").replace("{calmnet: {}}", "{calmalias: {rate: 1}}")
    for models in (True, False):
        params = load(tmp_path, text, models=models)
        assert params.models == ["calmnet"]
        assert list(params.modules) == ["calmnet"]


def test_a_whole_number_is_fine_where_a_number_is_asked_for(tmp_path):
    assert load(tmp_path, MINIMAL.replace("{}", "{rate: 3}")).modules["calmnet"].rate == 3.0


def test_a_byte_order_mark_and_anchors_are_read(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (MINIMAL + "runtime: &r {seed: 4}\n").encode())
    assert load_params(path).runtime.seed == 4
    assert load(tmp_path, MINIMAL + "detect: {classical: &c [pca]}\n").detect.classical == ["pca"]


def test_a_plugin_of_the_file_is_run_and_can_be_used(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from ecgan.config.options import Options\n"
        "from ecgan.registry import register_dataset\n"
        "@register_dataset('calmplugged')\n"
        "class Mine:\n    Fetch = Options\n    Preprocess = Options\n    defaults = {}\n"
    )
    text = MINIMAL.replace("calmset", "calmplugged") + "plugins: [mine.py]\n"
    try:
        assert load(tmp_path, text).dataset == "calmplugged"
    finally:
        DATASETS._entries.pop("calmplugged", None)
        for name in [name for name in sys.modules if name.startswith("ecgan_plugin_mine")]:
            del sys.modules[name]


def test_parameters_cannot_be_changed(tmp_path):
    params = load(tmp_path, MINIMAL)
    with pytest.raises(ValueError, match="frozen"):
        params.train.epochs = 3
    with pytest.raises(ValueError, match="frozen"):
        params.dataset = "x"


def test_the_source_text_says_the_same_as_the_classes():
    for registry in (MODELS, DATASETS):
        for entry in declared(registry.kind, registry.package):
            cls = registry.get(entry.name)
            assert defaults_of(registry, entry.name) == cls.defaults
            for name in (entry.name, *entry.aliases):
                assert resolve(registry, name) == registry.resolve(name) == cls.name


def test_reading_without_models_imports_no_torch(tmp_path):
    (tmp_path / "p.yaml").write_text("dataset: mitbih\nmodels: [beatgan, vaegan]\nmodules: {aegan: {}, vaegan: {}}\n")
    code = (
        "import sys, ecgan.config; assert not {'torch', 'numpy', 'pandas', 'scipy'} & set(sys.modules);"
        f"p = ecgan.config.load_params({str(tmp_path / 'p.yaml')!r}, models=False);"
        "assert p.models == ['aegan', 'vaegan'], p.models; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
