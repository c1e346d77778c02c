"""What can go wrong in a job, as one exception with a reason, and the exit codes (those of sysexits.h)."""

USAGE = 64
BAD_DATA = 65
NO_INPUT = 66
INTERNAL = 70
NO_MEMORY = 71
NO_SPACE = 73
#: A checkpoint was written after a request to stop; starting the same job again goes on from there.
STOPPED = 75

EXIT_CODES = {
    "bad-spec": USAGE,
    "bad-data": BAD_DATA,
    "diverged": BAD_DATA,
    "missing-base": NO_INPUT,
    "missing-data": NO_INPUT,
    "missing-library": NO_INPUT,
    "checkpoint-mismatch": BAD_DATA,
    "internal": INTERNAL,
    "out-of-memory": NO_MEMORY,
    "disk-full": NO_SPACE,
    "cannot-write": NO_SPACE,
    "stopped": STOPPED,
}


class TrainerError(Exception):
    """`reason` is one of EXIT_CODES; the message says what happened, to what, and what to do next."""

    def __init__(self, reason: str, message: str, **fields: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.fields = fields

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.reason]
