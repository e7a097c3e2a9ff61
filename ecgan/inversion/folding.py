"""A generator made ready to be searched: the same function of z, with less work in it.

A search goes through the generator and back a thousand times a sample, and never looks at the gradient of a weight.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ecgan.models.base import GenerativeModel
from ecgan.models.layers.folding import folded


def searchable(model: GenerativeModel) -> GenerativeModel:
    """Return a copy whose `decode` gives the same signals but for rounding, in evaluation mode, frozen.

    It is folded (`ecgan.models.layers.folding`), and on a CPU the generator of `rgan` gets a recurrence that knows that
    its input is the same at every step (`HeldLstm`); the fused kernel of a GPU is quicker than that.
    """
    copied = folded(model)
    for module in list(copied.modules()):
        lstm = getattr(module, "recurrence", None) if getattr(module, "holds_input", False) else None
        if isinstance(lstm, nn.LSTM) and lstm.weight_hh_l0.device.type == "cpu":
            module.recurrence = HeldLstm(lstm)
    return copied.requires_grad_(False)


class HeldLstm(nn.Module):
    """One layer of LSTM whose input is held: the same at every time step of (B, L, inputs).

    The input is projected once instead of L times, backwards only it has a gradient, and each gate lies in memory by
    itself. What the way back needs is kept in one buffer from call to call: no second forward pass may come between a
    forward pass and its way back.
    """

    inputs: Tensor  # (4, inputs, H), gates in the order input, forget, output, cell
    hidden: Tensor  # (4, H, H)
    bias: Tensor  # (4, 1, H)

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        gates = [0, 1, 3, 2]  # PyTorch has input, forget, cell, output
        size, state = lstm.hidden_size, {key: value.detach() for key, value in lstm.named_parameters()}
        bias = state["bias_ih_l0"] + state["bias_hh_l0"]
        for name, weight in (("inputs", state["weight_ih_l0"]), ("hidden", state["weight_hh_l0"])):
            by_gate = weight.view(4, size, -1)[gates].transpose(1, 2)  # (4H, n) → (4, n, H)
            self.register_buffer(name, by_gate.contiguous())
        self.register_buffer("bias", bias.view(4, 1, size)[gates])
        self._kept: Tensor | None = None

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Return the hidden states of all steps, (B, L, H)."""
        steps, batch, size = x.shape[1], len(x), self.hidden.shape[-1]
        if self._kept is None or self._kept.shape[0] != steps or self._kept.shape[2] != batch:
            with torch.inference_mode(False):  # or no gradient could use it later
                self._kept = torch.empty(steps, 6, batch, size, device=x.device)
        half = torch.is_autocast_enabled(x.device.type)
        with torch.autocast(x.device.type, enabled=False):
            projected = torch.matmul(x[:, 0].float(), self.inputs) + self.bias  # (B, inputs) → (4, B, H)
        weights = self.hidden.bfloat16() if half else self.hidden
        states: Tensor = _Held.apply(projected, weights, self._kept)  # type: ignore[no-untyped-call]
        return states, None


class _Held(torch.autograd.Function):
    """h_t of an LSTM with the same projected input p (4, B, H) at every step; only p has a gradient."""

    @staticmethod
    def forward(context: Any, projected: Tensor, weights: Tensor, kept: Tensor) -> Tensor:
        """Run all steps; `kept` (L, 6, B, H) takes what each contributes to the gradient while it is at hand."""
        _, batch, size = projected.shape
        states = projected.new_empty(batch, len(kept), size)
        h, c = (projected.new_zeros(batch, size) for _ in range(2))
        with torch.autocast(projected.device.type, enabled=False):
            for step, parts in enumerate(kept.unbind()):
                h, c = _forward_step(projected, weights, h, c, parts.unbind())
                states[:, step] = h
        context.kept, context.weights = kept, weights
        context.version = None if kept.is_inference() else kept._version
        return states

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Run all steps back."""
        if context.kept._version != context.version:
            raise RuntimeError("another forward pass took the buffer that this way back needs")
        kept, back = context.kept, context.weights.transpose(1, 2)  # (4, H, H)
        gates = torch.empty_like(kept[0, :4])  # (4, B, H)
        total, dc, dh = torch.zeros_like(gates), torch.zeros_like(gates[0]), torch.zeros_like(gates[0])
        with torch.autocast(gradient.device.type, enabled=False):
            for step in range(len(kept) - 1, -1, -1):
                parts = kept[step]
                dh.add_(gradient[:, step])
                dc.addcmul_(dh, parts[5])
                torch.mul(parts[:2], dc, out=gates[:2])
                torch.mul(parts[2], dh, out=gates[2])
                torch.mul(parts[3], dc, out=gates[3])
                dc.mul_(parts[4])
                total.add_(gates)
                torch.sum(torch.bmm(gates.to(back.dtype), back), dim=0, dtype=torch.float32, out=dh)
        return total, None, None


def _forward_step(
    projected: Tensor, weights: Tensor, h: Tensor, c: Tensor, kept: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor]:
    """Return the next h and c, (B, H); `kept` takes ∂c/∂i, ∂c/∂f, ∂h/∂o, ∂c/∂g before activation, ∂c/∂c, ∂h/∂c."""
    if weights.dtype == h.dtype:
        gates = torch.baddbmm(projected, h.expand(4, -1, -1), weights)
    else:
        gates = torch.matmul(h.to(weights.dtype), weights) + projected
    gates[:3].sigmoid_()
    i, f, o, g = gates.unbind()
    g.tanh_()
    sigmoid_slope, tanh_slope = torch.ops.aten.sigmoid_backward.grad_input, torch.ops.aten.tanh_backward.grad_input
    sigmoid_slope(g, i, grad_input=kept[0])
    sigmoid_slope(c, f, grad_input=kept[1])
    tanh_slope(i, g, grad_input=kept[3])
    kept[4].copy_(f)
    c = torch.addcmul(f * c, i, g)
    bent = torch.tanh(c)
    sigmoid_slope(bent, o, grad_input=kept[2])
    tanh_slope(o, bent, grad_input=kept[5])
    return o * bent, c
