"""Things to compare: places, locks, results and runs."""

from .case import DETECTED, INVERSE_DIR, PARAMS, RUN, TRAIN_DIR, Spoil, add, both, cut_off, replaced, written

LOCK = "schema: '2.0'\nstages:\n  fetch:\n    cmd: ecgan fetch\n    outs:\n    - path: data\n      md5: a\n"
METRICS = "reports/detect/aegan/fold_0/metrics.json"
COPY = f"mine/{METRICS}"


def locked(name: str, text: str | bytes, *words: str) -> None:
    """Two locks, the second of which holds this."""
    spoil = both(written("old.lock", LOCK), written("new.lock", text))
    add(name, PARAMS, "ecgan compare old.lock new.lock", "new.lock", *words, spoil=spoil)


def copied(source: str, target: str, after: Spoil) -> Spoil:
    """A folder copied, and something spoiled then."""
    import shutil

    return both(lambda project: shutil.copytree(project / source, project / target) and None, after)


def measured(name: str, after: Spoil, *words: str) -> None:
    """Reports beside a copy in which something is spoiled."""
    add(name, DETECTED, "ecgan compare reports mine/reports", *words, spoil=copied("reports", "mine/reports", after))


def trained(name: str, file: str, content: str | bytes, *words: str) -> None:
    """A run beside a copy in which one file holds this."""
    spoil = copied(RUN, f"mine/{RUN}", written(f"mine/{file}", content))
    add(name, DETECTED, f"ecgan compare {RUN} mine/{RUN}", file, *words, spoil=spoil)


add("compare_nothing_that_is_there", DETECTED, "ecgan compare absent reports", "'absent'", "Git", "REVISION:PATH")
add("compare_an_unknown_revision", DETECTED, "ecgan compare v9.9:reports reports", "'v9.9:reports'", "Git")
add("compare_with_no_revision", DETECTED, "ecgan compare :reports reports", "':reports'")
add("compare_two_kinds", DETECTED, f"ecgan compare reports {RUN}", "a folder of reports", "a trained run")
add(
    "compare_an_empty_folder",
    DETECTED,
    "ecgan compare plugins reports",
    "plugins",
    "nothing that can be compared",
    spoil=written("plugins/README.md", "parts"),
)
add("compare_a_third_thing", DETECTED, "ecgan compare reports reports reports", "reports", status=2)

locked("lock_is_not_yaml", "stages: [", "not YAML")
locked("lock_is_empty", "", "empty")
locked("lock_is_a_list", "- fetch\n", "a list")
locked("lock_without_stages", "schema: '2.0'\n", "no stages")
locked("lock_of_words", "stages: {fetch: done}\n", "stages.fetch", "'done'")
locked("lock_with_an_output_without_a_path", LOCK.replace("path: data", "place: data"), "stages.fetch.outs", "path")
locked("lock_that_runs_a_command", LOCK + "    params: !!python/object/apply:os.system [id]\n", "tag")
locked("lock_with_parameters_in_a_list", LOCK + "    params:\n      params.yaml: [seed]\n", "stages.fetch.params")
locked("lock_is_binary", b"\xff\xfe\x00", "UTF-8")
locked(
    "lock_that_repeats_itself",
    "a: &a [1]\n"
    + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 20)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
    ),
    "too many",
)
add("lock_of_another_kind_of_file", DETECTED, f"ecgan compare {METRICS} {METRICS}", "metrics.json", "no dvc.lock")

measured("compared_results_are_cut_off", cut_off(COPY, 100), "metrics.json", "not JSON")
measured(
    "compared_metric_is_a_word", replaced(COPY, '"auroc": 0', '"auroc": "good", "old": 0'), "metrics.json", "'good'"
)
measured("compared_interval_is_a_word", replaced(COPY, '"auroc_low": null', '"auroc_low": "low"'), "auroc_low", "'low'")
measured("compared_strategies_are_none", written(COPY, '{"strategies": 3}'), "metrics.json", "no results")
add(
    "compared_folds_are_words",
    DETECTED,
    "ecgan compare old new",
    "folds.csv",
    "fold",
    spoil=both(written("old/folds.csv", "no,table\n1,2\n"), written("new/folds.csv", "no,table\n1,2\n")),
)

WEIGHTS, MAPPING = f"{TRAIN_DIR}/v01/model.safetensors", f"{INVERSE_DIR}/inverse.json"
trained("compared_weights_are_none", WEIGHTS, b"no weights", "safetensors")
trained("compared_mapping_is_not_json", MAPPING, "encoder", "not JSON")
DEEP = '{"a":' * 200 + "1" + "}" * 200
add(
    "compared_mapping_is_nested_without_end",
    DETECTED,
    "ecgan compare old new",
    "inverse.json",
    "nested too deeply",
    spoil=both(written("old/inverse.json", DEEP), written("new/inverse.json", DEEP)),
)
trained("compared_history_is_a_text", f"{TRAIN_DIR}/history.csv", "epoch,loss\n1,low\n", "'low'")
trained("compared_parameters_are_not_yaml", f"{TRAIN_DIR}/config.yml", "train: [", "not YAML")
