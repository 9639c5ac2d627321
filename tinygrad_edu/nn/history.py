"""What a training did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(repr=False)
class History:
    """What a training did, epoch by epoch, and why it stopped.

    >>> History([4.0, 1.0, 0.25], stopped="all 2 epochs are over")
    <History: 2 epochs, loss 4 → 0.25: all 2 epochs are over>

    Attributes:
        losses: one more than epochs: the mean loss of each epoch as it was met, before the updates it led to, and at
            last the loss of the parameters that are kept, on all examples.
        validation: the loss on the validation set after each epoch; empty without one.
        metrics: by name, one number after each epoch, on the validation set if there is one.
        gradients: by layer, the norm of the gradient of each epoch's last batch, before it is clipped.
        rates: the learning rate of each epoch's last step.
        path: the parameters after 0, 1, 2, … epochs, where `fit` was asked for them.
        best: the number of epochs after which the validation loss, without one the training loss, was lowest.
        seconds: how long it took.
        stopped: what ended it, in words.
        interrupted: whether Ctrl-C did, in the middle of an epoch.
        engine: what computed: "native", "numpy", "jax", "torch", "python", or "eager", graph after graph.
        notes: what a person should know, each once.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    gradients: dict[str, list[float]] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    path: list[list[float]] = field(default_factory=list)
    best: int = 0
    seconds: float = 0.0
    stopped: str = ""
    interrupted: bool = False
    engine: str = "eager"
    notes: list[str] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The number of epochs that are over."""
        return max(0, len(self.losses) - 1)

    def note(self, words: str) -> None:
        """Say something, unless it was said."""
        if words not in self.notes:
            self.notes.append(words)

    def __repr__(self) -> str:
        said = [f"{self.epochs} epoch{'s' * (self.epochs != 1)}"]
        if self.losses:
            said.append(f"loss {self.losses[0]:.4g} → {self.losses[-1]:.4g}")
        if self.validation:
            said.append(f"validation {self.validation[0]:.4g} → {self.validation[-1]:.4g}")
        said += [f"{name} {numbers[-1]:.4g}" for name, numbers in self.metrics.items() if numbers]
        return "\n".join([f"<History: {', '.join(said)}: {self.stopped}>", *(f"  note: {note}" for note in self.notes)])
