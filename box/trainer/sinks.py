"""Other places that want to see the curves: TensorBoard and Weights & Biases. Never needed, never fatal."""

import os
from collections.abc import Callable
from pathlib import Path

#: Fields of events that are a number over steps.
NUMBERS = ("loss", "lr", "gradientNorm", "tokensPerSecond", "exactMatch")
INSTALL = {"tensorboard": "tensorboard", "wandb": "wandb"}
Sink = Callable[[dict], None]


def open_sinks(names: tuple[str, ...], job: Path, settings: dict, warn: Callable[[str], None]) -> list[Sink]:
    """A library that is missing or refuses is one warning, and the training goes on without it."""
    found = []
    for name in names:
        try:
            found.append(MAKERS[name](job, settings))
        except ImportError:
            warn(f"{name} is not installed in this environment, so nothing is sent there. Install it: pip install {INSTALL[name]}")
        except Exception as failure:  # noqa: BLE001 - whatever a service says, it must not end a training
            warn(f"{name} could not be started, so nothing is sent there: {failure}")
    return found


def guarded(sinks: list[Sink], warn: Callable[[str], None]) -> Sink:
    """One function for all of them; a sink that fails is told of once and left out from then on."""

    def send(event: dict) -> None:
        for sink in list(sinks):
            try:
                sink(event)
            except Exception as failure:  # noqa: BLE001
                sinks.remove(sink)
                warn(f"Nothing more is sent to one of the sinks: {failure}")

    return send


def _tensorboard(job: Path, settings: dict) -> Sink:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(job / "tensorboard"))

    def send(event: dict) -> None:
        if event["type"] in ("step", "eval"):
            part = "train" if event["type"] == "step" else "held-out"
            for field in NUMBERS:
                if isinstance(event.get(field), (int, float)):
                    writer.add_scalar(f"{event['adapter']}/{part}/{field}", event[field], event["step"])
        elif event["type"] in ("done", "stopped", "error"):
            writer.flush()

    return send


def _wandb(job: Path, settings: dict) -> Sink:
    import wandb

    # The job's name is the run's, so that a job that is resumed goes on with its curves.
    mode = os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")
    name = f"{job.name}-{settings['run']}" if settings.get("run") else job.name
    run = wandb.init(project=os.environ.get("WANDB_PROJECT", "autoact"), id=name, name=name, resume="allow",
                     dir=str(job), config=settings, mode=mode)  # fmt: skip

    def send(event: dict) -> None:
        if event["type"] in ("step", "eval"):
            part = "train" if event["type"] == "step" else "held-out"
            place = f"{event['adapter']}/{part}"
            numbers = {f"{place}/{field}": event[field] for field in NUMBERS if isinstance(event.get(field), (int, float))}
            run.log({**numbers, f"{event['adapter']}/step": event["step"]})
        elif event["type"] in ("done", "stopped", "error"):
            run.finish(exit_code=0 if event["type"] == "done" else 1)

    return send


MAKERS = {"tensorboard": _tensorboard, "wandb": _wandb}
