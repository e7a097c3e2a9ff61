"""Augmentation of training batches: beats warped in time, and beats cut beside their marks.

Warped they are as in Zhou et al., "BeatGAN", IJCAI 2019: on each side of the R tick as many ticks are left out as are
interpolated, so that the beat keeps its length and the R peak its place. BeatGAN adds warped copies to the training
data once, 7 ticks on each side of beats of 320; here a share of every batch is warped anew in every epoch, which needs
no memory and repeats no beat, and shorter and longer beats are warped in proportion. `n` copies of each beat correspond
to the share n / (n + 1).

`jittered` moves the window of each beat by another random number of ticks, as if its mark sat that far off. What the
window does not hold is not made up: its first or last value goes on.
"""

import torch
from torch import Tensor

from ecgan.config import Train
from ecgan.sharing import draw

PUBLISHED_TICKS, PUBLISHED_LENGTH = 7, 320


def augment(x: Tensor, options: Train, centre: int | None, sampling_rate: float = 0.0) -> Tensor:
    """Augment a batch (B, C, L) as `train.augment` and `train.jitter_ms` say.

    `none` and 0 give it back and draw no random numbers. `centre` is the index of the R tick, None takes the middle;
    `sampling_rate` (Hz) turns the jitter into ticks.
    """
    x = x if options.augment == "none" else _some_warped(x, options, centre)
    most = round(1e-3 * options.jitter_ms * sampling_rate)
    return jittered(x, draw(lambda count: torch.randint(-most, most + 1, (count,)), x)) if most else x


def jittered(x: Tensor, ticks: Tensor) -> Tensor:
    """Move the window of each beat of x (B, C, L) by so many ticks (B,), to later times where they are positive."""
    length = x.shape[2]
    places = (torch.arange(length, device=x.device) + ticks[:, None]).clamp(0, length - 1)  # (B, L)
    return x.gather(2, places[:, None].expand(-1, x.shape[1], -1))


def _some_warped(x: Tensor, options: Train, centre: int | None) -> Tensor:
    middle = x.shape[2] // 2 if centre is None else centre
    chosen = draw(lambda count: torch.rand(count) < options.augment_share, x)
    times = draw(lambda count: warped_times(count, x.shape[2], middle), x)
    return torch.where(chosen[:, None, None], warp(x, times), x)


def warp(x: Tensor, times: Tensor) -> Tensor:
    """Read x (B, C, L) at times (B, L') that are whole or half ticks, a half tick being the mean of its neighbours."""
    before = times.floor().long()[:, None].expand(-1, x.shape[1], -1)  # (B, L') → (B, C, L')
    after = times.ceil().long()[:, None].expand(-1, x.shape[1], -1)
    return (x.gather(2, before) + x.gather(2, after)) / 2


def warped_times(count: int, length: int, centre: int) -> Tensor:
    """Draw where warped beats are read, with torch's global generator of random numbers.

    The first tick, the last and the R tick stay in place.

    Args:
        count: B, the number of beats.
        length: L, ticks of a beat.
        centre: Index of the R tick.

    Returns:
        Times in ticks (B, L), strictly increasing, whole numbers or, after an interpolated tick, halves.
    """
    copies = torch.cat(
        [_copies(count, range(length)[:centre], length), _copies(count, range(length)[centre:], length)], dim=1
    )
    ticks = torch.arange(length).repeat(count)  # (B·L,)
    times = ticks.repeat_interleave(copies.flatten()).reshape(count, length).double()
    times[:, 1:] += 0.5 * (times[:, 1:] == times[:, :-1])  # the second copy of a tick lies between it and the next
    return times


def _copies(count: int, side: range, length: int) -> Tensor:
    """How often each tick of one side is read (B, len(side)): 0 left out, 2 interpolated behind, else 1.

    Every row adds up to the length of the side. Its first tick is the first of the beat or the R tick, and is read
    once, as is the beat's last.
    """
    inner = range(side.start + 1, min(side.stop, length - 1))
    ticks = min(max(1, round(PUBLISHED_TICKS * length / PUBLISHED_LENGTH)), len(inner) // 2)
    order = torch.rand(count, len(inner)).argsort(dim=1) + 1  # positions within the side, in random order
    copies = torch.ones(count, len(side), dtype=torch.int64)
    copies.scatter_(1, order[:, :ticks], 0)
    return copies.scatter_(1, order[:, ticks : 2 * ticks], 2)
