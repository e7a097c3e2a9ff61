"""Arrays on disk: what is written is read, everything else is refused and nothing is run."""

import os
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgan.arrays import load_array, save_array
from ecgan.errors import EcganError


@given(
    array=hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0),
    )
)
def test_round_trip(array: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.pkl"
    save_array(path, array)
    again = load_array(path, ndim=array.ndim, kind="fiub")
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_reads_what_numpy_itself_pickles(tmp_path: Path) -> None:
    array = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    for protocol in (3, 4, 5):
        for order in ("C", "F"):
            (tmp_path / "a.pkl").write_bytes(pickle.dumps(np.asarray(array, order=order), protocol=protocol))
            np.testing.assert_array_equal(load_array(tmp_path / "a.pkl", ndim=3, kind="f"), array)


def test_numpy_reads_what_is_written_and_the_file_needs_nothing_newer_than_protocol_4(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.int64)
    save_array(tmp_path / "a.pkl", array)
    content = (tmp_path / "a.pkl").read_bytes()
    assert next(pickletools.genops(content))[1] == 4
    np.testing.assert_array_equal(pickle.loads(content), array)


class Gadget:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def test_a_gadget_is_refused_and_not_run(tmp_path: Path) -> None:
    path, proof = tmp_path / "data.pkl", tmp_path / "proof"
    path.write_bytes(pickle.dumps(Gadget(os.mkdir, str(proof)), protocol=4))
    with pytest.raises(EcganError, match=r"asks for (posix|nt)\.mkdir"):
        load_array(path, ndim=3, kind="f")
    assert not proof.exists()


@pytest.mark.parametrize(
    "value",
    [
        Gadget(np.ndarray, (10**12,)),
        Gadget(np.dtype, "O"),
        Gadget(np._core.multiarray._reconstruct, np.ndarray, (10**12,), b"b"),
        Gadget(np.load, "x.npy"),
        np.array([object()]),
        np.array(["text"]),
        np.zeros(2, dtype=[("a", "i4")]),
        [1.0, 2.0],
        {"data": np.zeros(3)},
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_but_one_numeric_array_is_refused(value: object, tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps(value, protocol=4))
    with pytest.raises(EcganError, match=r"refused|not a pickled array"):
        load_array(path, ndim=1, kind="fiu")


def test_a_truncated_or_foreign_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    save_array(path, np.zeros((4, 5, 1), np.float32))
    whole = path.read_bytes()
    for content in (whole[:-20], whole[:3], b"", b"\x93NUMPY", b"not a pickle"):
        path.write_bytes(content)
        with pytest.raises(EcganError, match=r"data\.pkl"):
            load_array(path, ndim=3, kind="f")


def test_shape_and_type_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    save_array(path, np.zeros((4, 5), np.float32))
    with pytest.raises(EcganError, match=r"shape \(4, 5\)"):
        load_array(path, ndim=3, kind="f")
    with pytest.raises(EcganError, match="float32"):
        load_array(path, ndim=2, kind="iu")
    with pytest.raises(EcganError, match="cannot read"):
        load_array(tmp_path / "absent.pkl", ndim=2, kind="f")
