"""Arrays on disk: what is written is read, everything else is refused and nothing is run."""

import contextlib
import os
import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgan import arrays, scratch
from ecgan.arrays import load_array, save_array, save_blocks
from ecgan.errors import EcganError


@pytest.fixture(scope="module", autouse=True, params=[scratch.LARGE, 0], ids=["in memory", "mapped"])
def _large(request: pytest.FixtureRequest) -> Iterator[None]:
    """All that is promised holds of files that are read into memory and of those that are mapped."""
    was, scratch.LARGE = scratch.LARGE, request.param
    yield
    scratch.LARGE = was


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


@pytest.mark.parametrize("shape", [(), (0, 3), (3,), (255, 2), (65_535,), (65_536,), (70_000,), (300, 320, 2)])
@pytest.mark.parametrize("kind", ["<f4", ">f8", "<i8", "|b1"])
def test_the_bytes_are_those_that_pickle_writes_at_once(shape: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind)
    save_array(tmp_path / "a.pkl", array)
    assert (tmp_path / "a.pkl").read_bytes() == pickle.dumps(array.astype(array.dtype.newbyteorder("=")), protocol=4)


def test_blocks_give_the_bytes_of_one_piece(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(500, 40, 3)).astype(np.float32)
    save_array(tmp_path / "whole.pkl", array)
    blocks = (array.transpose(0, 2, 1)[start : start + 70].transpose(0, 2, 1) for start in range(0, 500, 70))
    save_blocks(tmp_path / "blocks.pkl", array.shape, array.dtype, blocks)
    assert (tmp_path / "blocks.pkl").read_bytes() == (tmp_path / "whole.pkl").read_bytes()
    with pytest.raises(ValueError, match="blocks"):
        save_blocks(tmp_path / "few.pkl", array.shape, array.dtype, [array[:499]])
    assert not (tmp_path / "few.pkl").exists()


def test_an_array_of_more_than_four_gigabytes_is_read_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "LARGE", 1 << 20)
    shape, path = (1_100_000, 1000), tmp_path / "a.pkl"
    before, after = arrays._around(shape, np.dtype(np.float32))
    with path.open("wb") as file:  # a file with holes, which takes no room
        file.write(before + np.float32(1.5).tobytes())
        file.seek(len(before) + 4 * 1_100_000_000 - 4)
        file.write(np.float32(2.5).tobytes() + after)
    array = load_array(path, ndim=2, kind="f")
    assert (array.shape, array[0, 0], array[-1, -1], array[5000, 3]) == (shape, 1.5, 2.5, 0.0)
    assert not array.flags.writeable
    os.truncate(path, 4 * 1_100_000_000)
    with pytest.raises(EcganError, match="cut off"):
        load_array(path, ndim=2, kind="f")


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


def test_bytes_that_are_not_the_arrays_are_not_taken_for_it(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    left_over = b"B" + (1 << 17).to_bytes(4, "little") + bytes(1 << 17)
    (tmp_path / "data.pkl").write_bytes(b"\x80\x04" + left_over + pickle.dumps(array, protocol=4)[2:])
    np.testing.assert_array_equal(load_array(tmp_path / "data.pkl", ndim=2, kind="f"), array)


def test_shape_and_type_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    save_array(path, np.zeros((4, 5), np.float32))
    with pytest.raises(EcganError, match=r"shape \(4, 5\)"):
        load_array(path, ndim=3, kind="f")
    with pytest.raises(EcganError, match="float32"):
        load_array(path, ndim=2, kind="iu")
    with pytest.raises(EcganError, match="cannot read"):
        load_array(tmp_path / "absent.pkl", ndim=2, kind="f")


GLOBALS = [*arrays._STAND_INS]
ARRAY = pickle.dumps(np.arange(6, dtype="f4").reshape(2, 3), protocol=4)


def of(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


@pytest.mark.parametrize("where", GLOBALS, ids=".".join)
@pytest.mark.parametrize(
    "change",
    [
        b"}X\x01\x00\x00\x00aK\x01sb",  # BUILD with the state {"a": 1}
        b"N}X\x08\x00\x00\x00__call__K\x01s\x86b",  # BUILD with slots: (None, {"__call__": 1})
        b"}X\x07\x00\x00\x00__new__K\x01s\x86b",
        b"K\x01a",  # APPEND
        b"(K\x01K\x02e",  # APPENDS
        b"K\x01K\x02s",  # SETITEM
        b"(K\x01K\x02u",  # SETITEMS
        b"(K\x01\x90",  # ADDITEMS
        b"Nb",
        b"(tb",
    ],
)
def test_nothing_of_a_file_stays_in_the_loader(where: tuple[str, str], change: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    before = {name: dict(vars(value)) for name, value in vars(arrays).items() if isinstance(value, type)}
    path.write_bytes(b"\x80\x04" + of(*where) + change + b".")
    with pytest.raises(EcganError, match=r"data\.pkl"):
        load_array(path, ndim=2, kind="f")
    after = {name: dict(vars(value)) for name, value in vars(arrays).items() if isinstance(value, type)}
    assert after == before
    assert not any(hasattr(stand_in, "__dict__") for stand_in in arrays._STAND_INS.values())
    path.write_bytes(ARRAY)
    np.testing.assert_array_equal(load_array(path, ndim=2, kind="f"), [[0, 1, 2], [3, 4, 5]])


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    for content in (b"", ARRAY, b"\x80\x04\x8e" + (10**13).to_bytes(8, "little")):
        path.write_bytes(content)
        os.truncate(path, 10**13)
        with pytest.raises(EcganError, match=r"data\.pkl .*10,000,000,000,000 bytes"):
            load_array(path, ndim=2, kind="f")
    path.write_bytes(b"\x80\x04\x8e" + (10**13).to_bytes(8, "little") + b"short")
    with pytest.raises(EcganError, match=r"data\.pkl"):
        load_array(path, ndim=2, kind="f")


def test_any_bytes_end_in_an_array_or_one_sentence(tmp_path: Path) -> None:
    path, rng = tmp_path / "data.pkl", np.random.default_rng(0)
    for protocol in (3, 4, 5):
        whole = pickle.dumps(np.arange(6, dtype="f4").reshape(2, 3), protocol=protocol)
        for _ in range(400):
            content = bytearray(whole)
            for at in rng.integers(0, len(content), rng.integers(1, 4)):
                content[at] = rng.integers(0, 256)
            path.write_bytes(content[: rng.integers(1, len(content) + 1)] if rng.random() < 0.3 else content)
            with contextlib.suppress(EcganError):
                assert load_array(path, ndim=2, kind="f").dtype.kind == "f"
