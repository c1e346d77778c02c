"""Runs a job so that every way to end leaves one event that says why, and an exit code."""

import errno
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from .events import Events
from .failures import INTERNAL, NO_INPUT, NO_SPACE, TrainerError
from .workers import WorkerFailed

SPACE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def run_guarded(job: Path, only: list[str] | None = None) -> int:
    """Returns the exit code: 0, or the one of failures.py. `only`: the adapters that are this process's."""
    if not job.is_dir():
        print(f"The job folder {job} does not exist. Create it with spec.json inside and start again.", file=sys.stderr)
        return NO_INPUT
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        # Of the processes that share one base, the first tells.
        rank = os.environ.get("RANK", "0")
        folder = job if rank == "0" else job / "ranks" / rank
        folder.mkdir(parents=True, exist_ok=True)
        events = Events(folder)
    except OSError as failure:
        print(f"Cannot write in the job folder {job}: {failure.strerror}.", file=sys.stderr)
        return NO_SPACE
    try:
        from .job import run_job

        run_job(job, events, stop, only)
        return 0
    except WorkerFailed as failure:
        return failure.code if failure.code > 0 else INTERNAL
    except BaseException as failure:  # noqa: BLE001 - the last line of defence: nothing may end without an event
        error = explain(failure, job)
        if error.reason == "internal":
            traceback.print_exc()
        return report(events, error)
    finally:
        events.close()


def explain(failure: BaseException, job: Path) -> TrainerError:
    if isinstance(failure, TrainerError):
        return failure
    if isinstance(failure, OSError) and failure.errno in SPACE_ERRORS:
        return TrainerError(
            "disk-full",
            f"The disk that holds {job} is full. Free some space and start the job again: it goes on from its last "
            "checkpoint.",
        )
    if isinstance(failure, MemoryError) or type(failure).__name__ == "OutOfMemoryError":
        return TrainerError(
            "out-of-memory",
            "The base model and one batch do not fit into memory. Set gradientCheckpointing to true, or lower "
            f"maxBatchTokens, batchSize or maxLength. ({failure})",
        )
    if isinstance(failure, ImportError):
        return TrainerError(
            "missing-library",
            f"{sys.executable} lacks something the trainer needs: {failure}. Install box/requirements.txt there or choose "
            "another interpreter.",
        )
    if isinstance(failure, OSError) and failure.filename is not None:
        return TrainerError("cannot-write", f"{failure.filename}: {failure.strerror}. Check the folder's permissions.")
    return TrainerError("internal", f"{type(failure).__name__}: {failure}. The traceback is in the job's log.")


def report(events: Events, error: TrainerError) -> int:
    events.release_reserve()
    try:
        kind = "stopped" if error.reason == "stopped" else "error"
        events.emit(kind, reason=error.reason, message=str(error), **error.fields)
    except OSError:
        pass  # the exit code below still says what the event could not
    print(str(error), file=sys.stderr)
    return error.exit_code if error.reason != "internal" else INTERNAL
