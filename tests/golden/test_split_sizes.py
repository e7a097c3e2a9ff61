"""The protocols give the set sizes that were published."""

import numpy as np
import pandas as pd
import pytest

from ecgan.config import Split
from ecgan.registry import PROTOCOLS
from tests.making import samples


def partitions(protocol: str, counts: list[int], **options):
    labels = np.repeat(np.arange(len(counts)), counts)
    table = pd.DataFrame({"class_name": labels.astype(str)})
    split = Split(protocol=protocol, **options)
    return labels, PROTOCOLS.get(protocol)().make(samples(labels=labels, table=table), split, 0)


NORMAL_ONLY = {  # classes, (train, last train), (vali normal, last), vali abnormal, test normal, test abnormal
    "mitbih_beats": ([90_589, 2_779, 7_236, 803, 8_039], (61_600, 61_604), (15_401, 15_397), 10_018, 13_588, 8_839),
    "wafer": ([6_402, 762], (4_353, 4_356), (1_089, 1_086), 404, 960, 358),
    "ptb_beats": ([4_046, 10_506], (2_752, 2_752), (688, 688), 5_585, 606, 4_921),
}


@pytest.mark.parametrize("name", NORMAL_ONLY)
def test_normal_only_has_the_sizes_of_the_vaegan_paper(name):
    counts, train, vali, vali_abnormal, test_normal, test_abnormal = NORMAL_ONLY[name]
    labels, parts = partitions("normal_only", counts, k=5, test_share=0.15)
    assert [len(part.train) for part in parts] == [train[0]] * 4 + [train[1]]
    for fold, part in enumerate(parts):
        assert (labels[part.vali] == 0).sum() == vali[fold == 4]
        assert (labels[part.vali] != 0).sum() == vali_abnormal
        assert (labels[part.test] == 0).sum() == test_normal
        assert (labels[part.test] != 0).sum() == test_abnormal
        assert (labels[part.train] == 0).all()


def test_normal_only_keeps_the_ratio_of_every_class():
    labels, parts = partitions("normal_only", NORMAL_ONLY["mitbih_beats"][0], k=5)
    share = 8_839 / 18_857
    for label, count in enumerate(NORMAL_ONLY["mitbih_beats"][0][1:], start=1):
        assert abs((labels[parts[0].test] == label).sum() - share * count) < 1


def test_beatgan_has_the_sizes_of_the_beatgan_paper():
    labels, parts = partitions("beatgan", [86_717, 3_026, 7_008, 802, 15], k=5, vali_share=0.1)
    for fold, part in enumerate(parts):
        large = fold >= 3  # 86,717 = 5 · 17,343 + 2
        assert np.bincount(labels[part.train]).tolist() == [62_436 - large]
        assert np.bincount(labels[part.vali]).tolist() == [6_938, 303, 701, 81, 2]
        assert np.bincount(labels[part.test]).tolist() == [17_343 + large, 2_723, 6_307, 721, 13]
    assert sum(len(part.vali) for part in parts[:1]) == 8_025
    assert len(parts[0].test) == 27_107


def test_stratified_has_every_class_in_proportion():
    counts = [90_589, 2_779, 7_236, 803, 8_039]
    labels, parts = partitions("stratified", counts, k=5, train_on="all")
    assert len(parts[0].test) == 16_417  # ⌈0.15 · 109,446⌉
    for part in parts:
        for label, count in enumerate(counts):
            assert abs((labels[part.test] == label).sum() - 0.15 * count) <= 1
            assert abs((labels[part.vali] == label).sum() - 0.17 * count) <= 1.2
