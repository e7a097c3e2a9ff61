"""Every mistake in a file of parameters gives one message with file, line, key, what was found, what is allowed."""

from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from ecgan.config import load_detection, load_inverse, load_params, render_params
from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.registry import DATASETS, DETECTORS, MODELS


class ToyOptions(Options):
    latent: int = Field(8, ge=1, le=64, description="latent dimensions")
    lr: float = Field(1e-4, gt=0, description="Learning rate.")
    norm: Literal["batch", "group"] = Field("batch", description="Normalisation.")
    spectral: bool = Field(False, description="Spectral normalisation.")
    sizes: list[int] = Field([3, 5], min_length=1, description="Kernel sizes.")


class ToyDetectorOptions(Options):
    depth: int = Field(3, ge=1, description="Depth.")


class ToyFetch(Options):
    patients: int = Field(4, ge=2, description="Patients.")


@pytest.fixture(autouse=True)
def _toys():
    @DATASETS.register("toyset")
    class ToySet:
        Fetch = ToyFetch
        Preprocess = Options
        defaults: ClassVar = {}

    @MODELS.register("toynet", "toyalias")
    class ToyNet:
        Options = ToyOptions
        defaults: ClassVar = {}

    @DETECTORS.register("toymap")
    class ToyMap:
        Options = ToyDetectorOptions
        needs_model = True
        strategies = ("reconstruction", "lambda_grid")

    @DETECTORS.register("toyknn")
    class ToyKnn:
        Options = ToyDetectorOptions
        needs_model = False
        strategies = ("plain",)

    yield
    for registry in (DATASETS, MODELS, DETECTORS):
        for name in [name for name in registry._entries if name.startswith("toy")]:
            del registry._entries[name]
        registry._aliases.pop("toyalias", None)


HEAD = """\
dataset: toyset
models: [toynet]
modules:
  toynet:
    latent: 4
detect:
  detector: toymap
  classical: [toyknn]
"""


def message(tmp_path: Path, text: str | bytes, **kwargs) -> str:
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EcganError) as caught:
        load_params(path, **kwargs)
    return str(caught.value)


def test_the_common_head_is_right(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(HEAD)
    assert load_params(path).modules["toynet"].latent == 4


# What is put behind HEAD (which has 8 lines), and what the message must say.
APPENDED = {
    "unknown section": (
        "trian: {}\n",
        ["line 9: trian: unknown key 'trian', did you mean 'train'?", "allowed:", "split"],
    ),
    "unknown key": (
        "train:\n  epoch: 3\n",
        ["line 10: train.epoch:", "did you mean 'epochs'?", "select_by", "patience"],
    ),
    "text for a number": ("train:\n  epochs: '64'\n", ["line 10: train.epochs: found '64' (text)", "a whole number"]),
    "word for a number": ("train:\n  epochs: many\n", ["line 10: train.epochs: found 'many' (text)", "from 1 to"]),
    "true for a whole number": ("train:\n  epochs: true\n", ["line 10: train.epochs: found true", "a whole number"]),
    "fraction for a whole number": ("train:\n  epochs: 1.5\n", ["line 10: train.epochs: found 1.5", "a whole number"]),
    "list for a number": ("train:\n  epochs: [1, 2]\n", ["line 10: train.epochs: found a list of 2", "a whole number"]),
    "too small": ("train:\n\n  epochs: 0\n", ["line 11: train.epochs: found 0", "from 1 to 1000000"]),
    "beyond an open bound": (
        "split:\n  test_share: 1.0\n",
        ["line 10: split.test_share: found 1.0", "above 0 and below 1"],
    ),
    "not finite": ("split:\n  test_share: .nan\n", ["line 10: split.test_share", "finite"]),
    "no such choice": (
        "train:\n  select_by: los\n",
        ["line 10: train.select_by", "did you mean 'loss'?", "loss, auroc, ap"],
    ),
    "yes is a word": (
        "train:\n  patience: yes\n",
        ["line 10: train.patience: found 'yes' (text)", "a whole number at least 0"],
    ),
    "list for a mapping": ("train: [1, 2]\n", ["line 9: train: found a list of 2", "a mapping"]),
    "text for a mapping": ("train: fast\n", ["line 9: train: found 'fast' (text)", "a mapping"]),
    "text for a list": ("split:\n  folds: all\n", ["line 10: split.folds: found 'all' (text)", "a list"]),
    "text in a list": ("split:\n  folds: [0, one]\n", ["line 10: split.folds[1]: found 'one'", "a whole number"]),
    "empty list": ("train:\n  leads: []\n", ["line 10: train.leads: found an empty list", "at least 1"]),
    "fold that is not made": (
        "split:\n  k: 3\n  folds: [0, 3]\n",
        ["line 11: split.folds", "no fold 3", "0 to 2", "split.k is 3"],
    ),
    "fold twice": ("split:\n  folds: [1, 1]\n", ["line 10: split.folds", "1 is listed twice"]),
    "lead twice": ("train:\n  leads: [V1, V1]\n", ["line 10: train.leads", "'V1' is listed twice"]),
    "source without fixed": ("split:\n  source: old\n", ["line 10: split.source", "'normal_only'", "fixed"]),
    "fixed without source": ("split:\n  protocol: fixed\n", ["split.source", "'fixed'", "fold_0.json"]),
    "unknown protocol": (
        "split:\n  protocol: stratifed\n",
        ["line 10: split.protocol", "did you mean 'stratified'?", "interpatient"],
    ),
    "too few folds": ("split:\n  k: 1\n", ["line 10: split.k: found 1", "at least 2", "normal_only"]),
    "train_on of another protocol": (
        "split:\n  train_on: all\n",
        ["line 10: split.train_on: found 'all'", "'normal_only'"],
    ),
    "name with a slash": ("experiment:\n  entity: a/b\n", ["line 10: experiment.entity: found 'a/b'", "a folder name"]),
    "name with dots": ("experiment:\n  project: ..\n", ["line 10: experiment.project: found '..'", "a folder name"]),
    "empty name": ("experiment:\n  project: ''\n", ["line 10: experiment.project: found ''", "a folder name"]),
    "name with dots inside": (
        "experiment:\n  project: a..b\n",
        ["line 10: experiment.project: found 'a..b'", "a folder name"],
    ),
    "hidden name": ("experiment:\n  run: .git\n", ["line 10: experiment.run: found '.git'", "a folder name"]),
    "name with a colon": (
        "experiment:\n  run: 'a:best'\n",
        ["line 10: experiment.run: found 'a:best'", "a folder name"],
    ),
    "unknown key of the dataset": ("fetch:\n  patient: 9\n", ["line 10: fetch.patient", "did you mean 'patients'?"]),
    "dataset out of range": ("fetch:\n  patients: 1\n", ["line 10: fetch.patients: found 1", "at least 2"]),
    "key of a section without keys": (
        "preprocess:\n  window: 9\n",
        ["line 10: preprocess.window", "there are no keys here"],
    ),
    "unknown detector section": ("detectors:\n  toyknnn: {}\n", ["line 10: detectors.toyknnn", "'toyknn'"]),
    "detector out of range": (
        "detectors:\n  toyknn:\n    depth: 0\n",
        ["line 11: detectors.toyknn.depth: found 0", "at least 1"],
    ),
    "key of another section": (
        "train:\n  detector: x\n",
        ["line 10: train.detector: unknown key", "there is detect.detector"],
    ),
    "plugin that is not there": ("plugins: [none.py]\n", ["line 9: plugins", "'none.py'"]),
    "text for plugins": ("plugins: mine.py\n", ["line 9: plugins: found 'mine.py' (text)", "a list"]),
    "empty path": ("experiment:\n  data_dir: ''\n", ["line 10: experiment.data_dir", "a path"]),
}


@pytest.mark.parametrize("name", APPENDED)
def test_mistakes_behind_a_right_head(name, tmp_path):
    appended, expected = APPENDED[name]
    text = message(tmp_path, HEAD + appended)
    assert str(tmp_path / "params.yaml") in text
    for words in expected:
        assert words in text, text
    assert "Traceback" not in text
    assert "pydantic" not in text


# Whole files.
FILES = {
    "no dataset": (HEAD.replace("dataset: toyset\n", ""), ["dataset: is missing"]),
    "no models": (HEAD.replace("models: [toynet]\n", ""), ["models: is missing", "a list"]),
    "no value for models": (HEAD.replace("[toynet]\n", "\n", 1), ["line 2: models", "a list"]),
    "empty models": (HEAD.replace("[toynet]\n", "[]\n", 1), ["line 2: models: found an empty list"]),
    "number as dataset": (HEAD.replace("toyset", "7"), ["line 1: dataset: found 7", "text"]),
    "unknown dataset": (HEAD.replace("toyset", "toysett"), ["line 1: dataset", "'toysett'", "did you mean 'toyset'?"]),
    "unknown model": (
        HEAD.replace("[toynet]", "[toynett]"),
        ["line 2: models[0]", "did you mean 'toynet'?", "Known models"],
    ),
    "model twice": (HEAD.replace("[toynet]", "[toynet, toynet]"), ["line 2: models", "'toynet' is listed twice"]),
    "model and its alias": (HEAD.replace("[toynet]", "[toynet, toyalias]"), ["line 2: models[1]", "'toynet' again"]),
    "no section for the model": (
        HEAD.replace("  toynet:\n    latent: 4\n", "  {}\n"),
        ["line 2: models[0]", "modules.toynet"],
    ),
    "no modules": (
        HEAD.replace("modules:\n  toynet:\n    latent: 4\n", ""),
        ["line 2: models[0]", "has no section modules.toynet"],
    ),
    "section of an unknown model": (
        HEAD.replace("  toynet:\n", "  toynex: {}\n  toynet:\n"),
        ["line 4: modules.toynex", "'toynet'"],
    ),
    "two sections of one model": (
        HEAD.replace("  toynet:\n", "  toyalias: {}\n  toynet:\n"),
        ["modules.toynet", "second section"],
    ),
    "unknown key of the model": (
        HEAD.replace("latent", "latnet"),
        ["line 5: modules.toynet.latnet", "did you mean 'latent'?"],
    ),
    "model out of range": (HEAD.replace("4", "65"), ["line 5: modules.toynet.latent: found 65", "from 1 to 64"]),
    "wrong word for the model": (
        HEAD.replace("latent: 4", "norm: layer"),
        ["line 5: modules.toynet.norm", "batch, group"],
    ),
    "number for true": (
        HEAD.replace("latent: 4", "spectral: 1"),
        ["line 5: modules.toynet.spectral: found 1", "true or false"],
    ),
    "list for a section": (
        HEAD.replace("    latent: 4", "    - 4"),
        ["line 4: modules.toynet: found a list of 1", "a mapping"],
    ),
    "unknown detector": (HEAD.replace("toymap", "toymop"), ["line 7: detect.detector", "did you mean 'toymap'?"]),
    "detector as classical": (
        HEAD.replace("[toyknn]", "[toymap]"),
        ["line 8: detect.classical[0]: found 'toymap'", "without one"],
    ),
    "unknown classical": (
        HEAD.replace("[toyknn]", "[toykn]"),
        ["line 8: detect.classical[0]", "did you mean 'toyknn'?"],
    ),
    "strategy of another": (
        HEAD + "  strategies: [svm_lambda]\n",
        ["line 9: detect.strategies[0]", "'toymap'", "lambda_grid"],
    ),
    "run of two models": (
        HEAD.replace("[toynet]", "[toynet, aegan]").replace("  toynet:\n", "  aegan: {}\n  toynet:\n")
        + "experiment: {run: r}\n",
        ["line 10: experiment.run", "2 models"],
    ),
    "duplicate key": (HEAD + "dataset: other\n", ["line 9", "'dataset' is there twice", "line 1"]),
    "duplicate inner key": (
        HEAD.replace("    latent: 4\n", "    latent: 4\n    latent: 5\n"),
        ["line 6", "'latent'", "line 5"],
    ),
    "key that is no word": (HEAD + "1: 2\n", ["line 9", "'1' is no key"]),
    "python tag": (HEAD + "split:\n  folds: !!python/tuple [1, 2]\n", ["line 10", "!!python/tuple", "not allowed"]),
    "python object": ("a: !!python/object/apply:os.system ['true']\n", ["line 1", "!!python/object/apply:os.system"]),
    "own tag": (HEAD + "train: !mine {}\n", ["line 9", "!mine"]),
    "binary tag": (HEAD + "train: {leads: [!!binary aGk=]}\n", ["line 9", "!!binary"]),
    "syntax": (HEAD + "split: [1, 2\ntrain: 3\n", ["line 10", "not YAML"]),
    "tab": (HEAD + "split:\n\tk: 3\n", ["line 10", "not YAML"]),
    "undefined alias": (HEAD + "split: *nowhere\n", ["line 9", "not YAML", "nowhere"]),
    "two documents": (HEAD + "---\na: 1\n", ["line 9", "not YAML"]),
    "control character": (HEAD + "a: \x07\n", ["line 9", "#x0007"]),
    "empty": ("", ["is empty", "ecgan init"]),
    "only comments": ("# nothing\n\n", ["is empty", "ecgan init"]),
    "a list": ("- 1\n- 2\n", ["line 1", "found a list", "ecgan init"]),
    "a word": ("hello\n", ["line 1", "'hello'"]),
    "not UTF-8": (b"dataset: \xff\xfe\n", ["not UTF-8", "byte 9"]),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00", ["not UTF-8"]),
    "too large": ("#" * 1_000_001, ["1,000,000 bytes"]),
    "deep": ("a: " + "[" * 30 + "]" * 30 + "\n", ["line 1", "deeply nested"]),
    "very deep": ("a: " + "[" * 5000 + "]" * 5000 + "\n", ["deeply"]),
    "too many digits": (HEAD + "train: {epochs: " + "9" * 5000 + "}\n", ["line 9", "cannot be read as a number"]),
}


@pytest.mark.parametrize("name", FILES)
def test_mistakes_of_whole_files(name, tmp_path):
    content, expected = FILES[name]
    text = message(tmp_path, content)
    assert str(tmp_path / "params.yaml") in text
    for words in expected:
        assert words in text, text


def test_repeating_anchors_are_limited(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 5))
    assert "too many" in message(tmp_path, bomb)


def test_a_value_that_holds_itself_is_refused(tmp_path):
    assert "deeply nested" in message(tmp_path, "a: &a [*a]\n")


def test_a_missing_file_a_folder_and_an_unreadable_file(tmp_path):
    with pytest.raises(EcganError, match=r"cannot read .*none\.yaml.*\n.*ecgan init"):
        load_params(tmp_path / "none.yaml")
    with pytest.raises(EcganError, match="is a folder"):
        load_params(tmp_path)


def test_several_mistakes_come_at_once_in_the_order_of_the_lines(tmp_path):
    text = message(tmp_path, HEAD + "train:\n  epochz: 3\n  patience: -1\nsplit:\n  k: x\n")
    lines = [line.strip() for line in text.splitlines()]
    assert "3 mistakes" in lines[0]
    assert [line.partition("line ")[2].partition(":")[0] for line in lines[1:4]] == ["10", "11", "13"]


def test_at_most_ten_mistakes_are_shown(tmp_path):
    text = message(tmp_path, HEAD + "".join(f"wrong{i}: 1\n" for i in range(14)))
    assert "14 mistakes" in text
    assert text.count("unknown key") == 10
    assert "and 4 more" in text


def test_a_needed_plugin_is_named_where_plugins_are_not_run(tmp_path):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    text = message(tmp_path, HEAD.replace("toyset", "theirs") + "plugins: [evil.py]\n", plugins=False)
    assert "line 1: dataset" in text
    assert "--plugin FILE" in text
    assert not (tmp_path / "ran").exists()


def test_nobody_is_asked_to_mend_the_parameters_of_a_finished_run(tmp_path):
    text = message(tmp_path, HEAD + "wrong: 1\n", plugins=False)
    assert "Mend the file" not in text
    assert "trained again" in text


def test_mistakes_without_looking_at_models(tmp_path):
    assert "did you mean 'toynet'" in message(tmp_path, HEAD.replace("[toynet]", "[toynett]"), models=False)
    text = message(tmp_path, HEAD.replace("modules:\n  toynet:\n    latent: 4\n", ""), models=False)
    assert "has no section modules.toynet" in text
    text = message(tmp_path, HEAD.replace("    latent: 4", "    - 4"), models=False)
    assert "line 4: modules.toynet: found a list of 1" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("experiment: {name: a}\n", ["model: is missing"]),
        ("model: r:best\nexperiment:\n  name: a/b\n", ["line 3: experiment.name", "a folder name"]),
        ("model: r:best\ndetect:\n  version: best\n", ["line 3: detect.version: unknown key"]),
        ("model: r:best\ndetect:\n  detector: toynone\n", ["line 3: detect.detector", "Known detectors"]),
        ("model: [r]\n", ["line 1: model: found a list of 1", "a path"]),
    ],
)
def test_mistakes_in_the_file_of_a_detection(text, expected, tmp_path):
    path = tmp_path / "ad_config.yml"
    path.write_text(text)
    with pytest.raises(EcganError) as caught:
        load_detection(path)
    for words in expected:
        assert words in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inverse: {}\n", ["model: is missing"]),
        ("model: r\ninverse:\n  method: encode\n", ["line 3: inverse.method", "did you mean 'encoder'?"]),
        ("", ["is empty", "ecgan-inverse -i"]),
    ],
)
def test_mistakes_in_the_file_of_an_inverse_mapping(text, expected, tmp_path):
    path = tmp_path / "inverse_config.yml"
    path.write_text(text)
    with pytest.raises(EcganError) as caught:
        load_inverse(path)
    for words in expected:
        assert words in str(caught.value), str(caught.value)


def test_a_word_for_one_of_some_numbers_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(render_params("ecgsyn", ["aegan"]).replace("mains_hz: 50", "mains_hz: fifty"))
    with pytest.raises(EcganError, match=r"preprocess\.mains_hz: found 'fifty'.*allowed: one of 50, 60"):
        load_params(file)
