"""A base that is spread over the GPUs of one or more machines: started by torchrun, one process a GPU.

Only the frozen base is sharded (FSDP2); the adapters, which are small, are whole in every process. Each process takes
its share of a step's forward passes, and the adapters' gradients are summed. So checkpoints and outputs are those of
one process, and the first one alone writes them."""

import os
from pathlib import Path

import torch
import torch.distributed as dist

from .failures import TrainerError


class World:
    """One process when torchrun did not start us."""

    def __init__(self) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.local = int(os.environ.get("LOCAL_RANK", "0"))

    @property
    def first(self) -> bool:
        return self.rank == 0

    def join(self, device: torch.device) -> None:
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")

    def leave(self) -> None:
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()

    def sum(self, values: list[float], device: torch.device) -> list[float]:
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
        dist.all_reduce(tensor)
        return tensor.tolist()

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether one of the processes says so: all have to take the same way, or they wait for each other for good."""
        return self.sum([float(flag)], device)[0] > 0

    def sum_gradients(self, parameters: list[torch.nn.Parameter]) -> None:
        if self.size == 1:
            return
        flat = torch.cat([parameter.grad.reshape(-1) for parameter in parameters])
        dist.all_reduce(flat)
        at = 0
        for parameter in parameters:
            parameter.grad.copy_(flat[at : at + parameter.numel()].view_as(parameter))
            at += parameter.numel()

    def share(self, items: list) -> list[tuple[object, bool]]:
        """This process's items, each with whether it counts. All processes get the same number, since each pass gathers
        the base from all; one that has none left repeats an item that does not count."""
        if self.size == 1:
            return [(item, True) for item in items]
        rounds = -(-len(items) // self.size)
        places = [turn * self.size + self.rank for turn in range(rounds)]
        return [(items[place], True) if place < len(items) else (items[0], False) for place in places]


def shard(model: torch.nn.Module, trained: set[torch.nn.Parameter], world: World, device: torch.device) -> None:
    """Every layer, then what is left; gathered when it computes and given back behind it."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (world.size,))
    layers = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    if not layers:
        raise TrainerError("bad-spec", "This base has no list of layers that could be spread over GPUs. Use one GPU.")
    for layer in max(layers, key=len):
        fully_shard(layer, mesh=mesh, ignored_params=trained)
    fully_shard(model, mesh=mesh, ignored_params=trained)


def own_folder(job: Path, world: World) -> Path:
    """Where a process other than the first writes what nobody reads."""
    folder = job if world.first else job / "ranks" / str(world.rank)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
