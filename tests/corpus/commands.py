"""Command lines."""

import os

from .case import DETECTED, PARAMS, RUN, TRAINED, add, written

GENERATE = f"ecgan generate --model {RUN}"

add("no_such_command", PARAMS, "ecgan fetsch", "fetsch", status=2)
add("no_such_option", PARAMS, "ecgan train --folds 0", "--folds", status=2)
add("word_for_a_fold", PARAMS, "ecgan train --fold first", "--fold", "integer", status=2)
add("negative_fold", PARAMS, "ecgan train --fold -1", "--fold", "0", status=2)
add("no_model_to_generate_with", PARAMS, "ecgan generate -n 3", "--model", status=2)
add("fold_of_no_list", TRAINED, "ecgan train --fold 1", "1", "split.folds")
add("model_of_no_list", TRAINED, "ecgan train --model vaegan", "'vaegan'", "models")
add("model_that_does_not_exist", TRAINED, "ecgan train --model vaegann", "'vaegann'", "vaegan")
add("detector_of_no_list", TRAINED, "ecgan detect -a knn", "'knn'", "detect.classical")
add("model_and_detector", TRAINED, "ecgan detect --model aegan -a pca", "exclude each other")
add("inverse_before_train", "folds", "ecgan inverse", "ecgan train")
add("list_of_nothing", PARAMS, "ecgan list dataset", "'dataset'", "datasets")
add("init_over_a_file", PARAMS, "ecgan init", "params.yaml", "--force")
add("init_into_a_folder", PARAMS, "ecgan init -o . --force", "folder")
add("init_with_an_unknown_dataset", PARAMS, "ecgan init -d mitbi -o new.yaml", "'mitbi'", "mitbih")
add("init_with_an_unknown_preset", PARAMS, "ecgan init --preset beta -o new.yaml", "'beta'", "beta-vaegan")
add(
    "init_with_preset_and_model", PARAMS, "ecgan init --preset beta-vaegan-2 -m aegan -o new.yaml", "exclude each other"
)
add("init_below_a_file", PARAMS, "ecgan init -o params.yaml/new.yaml", "params.yaml")
add("init_with_a_path_for_a_name", PARAMS, "ecgan init -o new.yaml ../lab study", "'../lab'")
add("init_with_one_run_for_two_models", PARAMS, "ecgan init -o new.yaml lab study mine", "'mine'")
add("generate_nothing", TRAINED, f"{GENERATE} -n 0 --out beats.npy", "-n 0")
add("generate_less_than_nothing", TRAINED, f"{GENERATE} -n -5 --out beats.npy", "-n -5")
add("generate_words", TRAINED, f"{GENERATE} -n many --out beats.npy", "--count", "integer", status=2)
add("generate_into_an_unknown_kind", TRAINED, f"{GENERATE} -n 3 --out beats.mat", "beats.mat", ".npy")
add("generate_into_no_folder", TRAINED, f"{GENERATE} -n 3 --out absent/beats.npy", "absent", "mkdir")
add(
    "generate_over_a_file",
    TRAINED,
    f"{GENERATE} -n 3 --out beats.npy",
    "beats.npy",
    "--force",
    spoil=written("beats.npy", "old"),
)
add("generate_with_a_negative_seed", TRAINED, f"{GENERATE} -n 3 --out beats.npy --seed -1", "--seed -1")
add("figure_of_an_unknown_kind", TRAINED, f"{GENERATE} -n 3 --out beats.npy --figure beats.gif", "beats.gif", ".svg")
add(
    "report_into_a_pipe",
    DETECTED,
    "ecgan report --readme pipe.md",
    "pipe.md",
    spoil=lambda project: os.mkfifo(project / "pipe.md"),
)
add("report_into_a_file_that_is_not_there", DETECTED, "ecgan report --readme absent.md", "absent.md")
add(
    "report_into_a_file_without_marks",
    DETECTED,
    "ecgan report --readme notes.md",
    "notes.md",
    "<!-- results -->",
    spoil=written("notes.md", "notes\n"),
)

add(
    "generate_more_than_a_file_holds",
    TRAINED,
    f"{GENERATE} -n 100000000000 --out beats.npy",
    "100000000000",
    "10,000,000",
)
