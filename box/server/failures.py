"""What is wrong with a request or with what is to be served."""


class RequestError(Exception):
    """Answered to the client with `status`; the message says what is wrong and what to do."""

    def __init__(self, status: int, message: str, code: str = "invalid_request", param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    def body(self) -> dict[str, object]:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": str(self), "type": kind, "code": self.code, "param": self.param}}


class ServeError(Exception):
    """The server cannot begin: a wrong setting, a model or an adapter that cannot be loaded."""
