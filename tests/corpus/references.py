"""References to trained runs, here and elsewhere."""

from .case import RUN, TRAINED, add, removed, written


def reference(name: str, text: str, *words: str) -> None:
    """A reference that `ecgan generate` is given."""
    add(name, TRAINED, f"ecgan generate -n 3 --out beats.npy --model {text}", *words)


reference("no_such_run", "models/lab/tiny/vaegan", "models/lab/tiny/vaegan", "lab/tiny/aegan")
reference("folder_that_is_no_run", "data", "'data'", "no trained run")
reference("fold_that_is_not_there", f"{RUN}/fold_9", "fold 9", "[0]")
reference("version_that_is_not_kept", f"{RUN}:v99", "'v99'", "v01")
reference("version_of_a_wrong_form", f"{RUN}:newest", "newest")
reference("unknown_scheme", "gopher://host/run", "gopher", "s3://")
reference("scheme_of_a_program", "file::ssh://host/run", "file::ssh")
reference("password_in_the_address", "https://me:secret@host/run", "password")
reference("token_in_the_address", "s3://key:secret@bucket/run", "password")
reference("folder_of_a_url_that_is_not_there", "file:///nowhere/at/all", "file:///nowhere/at/all", "no trained run")
reference("address_that_nobody_answers", "http://127.0.0.1:9/run", "http://127.0.0.1:9/run")
reference("mlflow_run_of_no_name", "mlflow:xyz", "mlflow")
reference("mlflow_store_of_nothing", f"mlflow:{'0' * 32}", "mlflow", "nothing was logged")
reference("wandb_run_of_no_name", "wandb:xyz", "wandb")
reference("control_characters", "models/\x00run", "models/")
add(
    "run_without_folds",
    TRAINED,
    f"ecgan generate -n 3 --out beats.npy --model {RUN}/fold_0",
    RUN,
    spoil=lambda project: (project / RUN / "train/fold_0").rename(project / RUN / "train/other"),
)
add("classic_run_is_not_there", TRAINED, "ecgan-detect -i nowhere:best lab tiny name", "nowhere")
add("classic_with_one_name", TRAINED, f"ecgan-detect -i {RUN} lab", "three names", "1")
add("classic_name_leads_out", TRAINED, f"ecgan-detect -i {RUN} lab tiny ../name", "'../name'")
add("classic_unknown_detector", TRAINED, f"ecgan-detect -i {RUN} -a knnn lab tiny name", "'knnn'", "'knn'")
add("classic_detector_of_classifiers", TRAINED, f"ecgan-detect -i {RUN} -a argmax lab tiny name", "argmax")
add("classic_without_a_file", TRAINED, "ecgan-detect", "ad_config.yml", "ecgan-detect -i")
add(
    "classic_file_without_a_model",
    TRAINED,
    "ecgan-detect",
    "ad_config.yml",
    "model",
    "missing",
    spoil=written("ad_config.yml", "experiment: {entity: lab}\n"),
)
add("classic_file_of_a_wrong_kind", TRAINED, "ecgan-detect params.yaml", "params.yaml", "dataset", lines=14)
add(
    "classic_data_are_gone",
    TRAINED,
    "ecgan-inverse",
    "data/ecgsyn/processed",
    spoil=lambda project: (
        written("inverse_config.yml", f"model: {RUN}\n")(project),
        removed("data/ecgsyn/processed/data.pkl")(project),
    )[0],
)
add("classic_two_files", TRAINED, "ecgan-detect one.yml two.yml", "one.yml two.yml")
add("classic_preprocess_without_a_file", TRAINED, "ecgan-preprocess", "config.yml", "ecgan init")
