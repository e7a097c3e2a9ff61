"""Files of parameters and plug-ins."""

from .case import PARAMS, RAW, Spoil, add, case, replaced, written

INFO = "ecgan info params.yaml"
PATH = "params.yaml"


def wrong(name: str, old: str, new: str, *words: str, **more: object) -> None:
    """A file of parameters in which one text is replaced."""
    add(name, PARAMS, INFO, PATH, *words, spoil=replaced(PATH, old, new), **more)


def content(name: str, text: str | bytes, *words: str, **more: object) -> None:
    """A file of parameters that holds only this."""
    add(name, PARAMS, INFO, PATH, *words, spoil=written(PATH, text), **more)


wrong("unknown_key", "  epochs: 1", "  epoch: 1", "'epoch'", "did you mean 'epochs'?", "line")
wrong("unknown_section", "\ntrain:\n", "\ntrian:\n", "'trian'", "did you mean 'train'?")
wrong("word_for_a_number", "  epochs: 1", "  epochs: many", "train.epochs", "'many'")
wrong("number_for_a_word", "dataset: ecgsyn", "dataset: 12", "dataset", "12")
wrong("fraction_for_a_whole_number", "  epochs: 1", "  epochs: 1.5", "train.epochs", "1.5")
wrong("below_the_range", "  epochs: 1", "  epochs: 0", "train.epochs", "found 0", "1")
wrong("above_the_range", "  seed: 3", "  seed: 99999999999", "runtime.seed", "99999999999")
wrong("not_a_number", "  test_share: 0.15", "  test_share: .nan", "split.test_share", "finite")
wrong("endless", "  test_share: 0.15", "  test_share: .inf", "split.test_share", "finite")
wrong("key_twice", "  epochs: 1", "  epochs: 1\n  epochs: 2", "'epochs'", "twice")
wrong("unknown_dataset", "dataset: ecgsyn", "dataset: ecgsin", "'ecgsin'", "did you mean 'ecgsyn'?")
wrong("unknown_model", "models: [aegan]", "models: [vaegn]", "'vaegn'", "did you mean 'vaegan'?", lines=3)
wrong("unknown_detector", "  detector: inverse_mapping", "  detector: inverse", "'inverse'", "inverse_mapping", lines=3)
wrong("unknown_classical_detector", "classical: [pca]", "classical: [pcaa]", "'pcaa'", "'pca'")
wrong("model_for_a_classical_detector", "classical: [pca]", "classical: [anogan]", "'anogan'", "trained model")
wrong("unknown_strategy", "strategies: [reconstruction]", "strategies: [sum]", "'sum'", "reconstruction")
wrong("unknown_protocol", "  protocol: normal_only", "  protocol: normal", "'normal'", "normal_only")
wrong("protocol_cannot_train_on_all", "  train_on: normal", "  train_on: all", "train_on", "'all'", "normal_only")
wrong("one_fold", "  k: 2", "  k: 1", "split.k", "found 1", "at least 2")
wrong("fold_that_is_not_made", "  folds: [0]", "  folds: [0, 7]", "split.folds", "7", "0 to 1")
wrong("fold_twice", "  folds: [0]", "  folds: [0, 0]", "split.folds", "twice")
wrong("fixed_folds_without_a_folder", "  protocol: normal_only", "  protocol: fixed", "split.source")
wrong("run_leads_out", "  run: null", "  run: ../../etc", "experiment.run", "'../../etc'")
wrong("entity_is_a_path", "  entity: lab", "  entity: lab/else", "experiment.entity", "'lab/else'")
wrong("band_upside_down", "  low_hz: 0.5", "  low_hz: 45.0", "high_hz", "low_hz is 45", "40")
wrong("lead_twice", "leads: [MLII]", "leads: [MLII, MLII]", "preprocess", "MLII")
wrong("model_without_a_section", "models: [aegan]", "models: [aegan, vaegan]", "'vaegan'", "modules.vaegan")
wrong("classifier_and_inverse_mapping", "models: [aegan]", "models: [cnn]", "'cnn'", lines=3)
wrong("section_is_a_list", "modules:\n", "modules: [aegan]\nmodule:\n", "modules", lines=5)
wrong("python_tag", "  epochs: 1", "  epochs: !!python/object/apply:os.system [touch hacked]", "tag", "python/object")
wrong("broken_brackets", "models: [aegan]", "models: [aegan", "line", "not YAML")
wrong("tab_for_indentation", "  epochs: 1", "\tepochs: 1", "line", "tabs")
wrong("data_folder_is_nothing", "  data_dir: data", "  data_dir: ''", "experiment.data_dir")
wrong("fixed_threshold_without_a_value", "  threshold: best_f1", "  threshold: fixed", "threshold_value", lines=3)
content("empty_file", "", "is empty", "ecgan init")
content("only_a_comment", "# nothing\n", "is empty")
content("a_list_at_the_top", "- train\n- split\n", "a list")
content("a_word_at_the_top", "train", "'train'")
content("not_utf8", "dataset: ecgsyn # Herzschläge\n".encode("latin-1"), "UTF-8")
content("utf16", "dataset: ecgsyn\n".encode("utf-16"), "UTF-8")
content("zeros", b"\0" * 100, "not allowed")
content(
    "anchors_that_multiply",
    "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    + "".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    ),
    "too many",
)
content("anchor_in_itself", "a: &a [*a]\n", "nested")
content("nested_without_end", "[" * 5000 + "]" * 5000, "nested")
content("two_documents", "dataset: ecgsyn\n---\ndataset: mitbih\n", "document")
content("no_dataset", "models: [aegan]\nmodules: {aegan: {}}\n", "dataset", "missing")
content("huge_file", b"#" * 2_000_000, "1,000,000 bytes")
content("number_of_thousands_of_digits", f"runtime: {{seed: {'9' * 5000}}}\n", "number")

add("no_file_of_parameters", PARAMS, "ecgan train other.yaml", "other.yaml", "ecgan init")
add("folder_for_a_file", PARAMS, "ecgan info .", "folder")


@case(PARAMS, "ecgan train", "experiment.run", "'mine'", "2 models")
def two_models_and_one_run(project):
    replaced(PATH, "models: [aegan]", "models: [aegan, vaegan]")(project)
    replaced(PATH, "modules:\n", "modules:\n  vaegan: {}\n")(project)
    replaced(PATH, "  run: null", "  run: mine")(project)


def plugin(name: str, code: str | bytes, *words: str, file: str = "mine.py") -> None:
    """A plug-in that the command line names; its author is told Python's words."""
    add(name, PARAMS, f"ecgan list models --plugin {file}", file, *words, spoil=written(file, code), python=True)


plugin("plugin_with_a_syntax_error", "def half(:\n", "line 1")
plugin("plugin_that_fails", "1 / 0\n", "division by zero", "line 1")
plugin("plugin_that_leaves", "import sys\nsys.exit(0)\n", "ended")
plugin("plugin_without_what_it_imports", "import nothing_of_this_name\n", "nothing_of_this_name")
plugin("plugin_that_is_no_python", "just words\n", "Python", file="mine.txt")
plugin("plugin_that_is_not_text", b"\xff\xfe\0\0", "no Python", file="odd.py")
plugin(
    "plugin_takes_a_name_that_is_taken",
    "from ecgan.registry import register_model\n@register_model('aegan')\nclass Mine: pass\n",
    "'aegan'",
    "twice",
)
add("plugin_is_not_there", PARAMS, "ecgan list models --plugin absent.py", "absent.py", "not there")
add(
    "plugin_of_the_file_is_not_there",
    PARAMS,
    "ecgan train",
    PATH,
    "absent.py",
    spoil=replaced(PATH, "plugins: []", "plugins: [absent.py]"),
)


def later(name: str, stage: str, command: str, old: str, new: str, *words: str) -> Spoil | None:
    """Parameters that are fine by themselves and do not fit the data."""
    add(name, stage, command, *words, spoil=replaced(PATH, old, new))
    return None


later("lead_that_no_record_has", RAW, "ecgan preprocess", "leads: [MLII]", "leads: [V9]", "V9", "MLII")
later(
    "record_that_is_not_there",
    RAW,
    "ecgan preprocess",
    "records: null",
    "records: ['999']",
    "'999'",
    "preprocess.records",
)
