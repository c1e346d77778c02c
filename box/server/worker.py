"""One thread computes; requests wait for it in line. Those for the same model are computed together."""

import queue
import threading
from concurrent.futures import Future

from .failures import RequestError
from .generate import Row, run
from .model import ServedModel

#: Prompts computed together; more make each of them slower without making all of them faster on a small machine.
BATCH = 8


class Worker:
    def __init__(self, model: ServedModel) -> None:
        self.model = model
        self._waiting: queue.SimpleQueue[tuple[Row, Future[Row]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def complete(self, row: Row) -> Row:
        done: Future[Row] = Future()
        self._waiting.put((row, done))
        return done.result()

    def _run(self) -> None:
        kept: list[tuple[Row, Future[Row]]] = []
        while True:
            if not kept:
                kept.append(self._waiting.get())
            while not self._waiting.empty():
                kept.append(self._waiting.get())
            name = kept[0][0].request.model
            batch = [one for one in kept if one[0].request.model == name][:BATCH]
            kept = [one for one in kept if one not in batch]
            self._compute(name, batch)

    def _compute(self, name: str, batch: list[tuple[Row, Future[Row]]]) -> None:
        import torch

        try:
            run(self.model, name, [row for row, _ in batch])
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            if len(batch) > 1:
                for row, done in batch:
                    self._compute(name, [(Row(row.request, row.prompt, given_up=row.given_up), done)])
                return
            failure: Exception = RequestError(503, "The GPU's memory is full: send fewer requests at once.", "out_of_memory")
            batch[0][1].set_exception(failure)
            return
        except Exception as unexpected:  # noqa: BLE001 - whoever waits has to hear of it, and the next one is served
            for _, done in batch:
                done.set_exception(unexpected)
            return
        for row, done in batch:
            done.set_result(row)
