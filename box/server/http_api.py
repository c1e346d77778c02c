"""The HTTP face: /health, /v1/models, /v1/completions, /tokenize. Loopback unless told otherwise, with a key."""

import hmac
import json
import select
import socket
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .completions import complete
from .failures import RequestError
from .parameters import parse_completion, parse_tokenize
from .worker import Worker

LARGEST_BODY = 32 << 20


class Api(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, worker: Worker, key: str, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), Handler)
        self.worker = worker
        self.key = key

    @property
    def port(self) -> int:
        return self.server_address[1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api
    #: A client that sends half a request must not keep a thread for ever.
    timeout = 600

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self) -> dict[str, object]:
        if self._path() == "/health":
            return {"status": "ok"}
        self._authorize()
        if self._path() != "/v1/models":
            raise RequestError(404, f"There is nothing at GET {self._path()}.", "unknown_url")
        model = self.server.worker.model
        cards = [
            {"id": name, "object": "model", "created": 0, "owned_by": "autoact", "max_model_len": model.context_length}
            for name in model.names
        ]
        return {"object": "list", "data": cards}

    def _post(self) -> dict[str, object]:
        # Read whatever is wrong: the next request of this connection begins behind it.
        body = self._body()
        self._authorize()
        worker = self.server.worker
        if self._path() == "/v1/completions":
            return complete(worker, parse_completion(_json(body)), self._gone)
        if self._path() == "/tokenize":
            tokens = worker.model.tokenize(*parse_tokenize(_json(body)))
            return {"tokens": tokens, "count": len(tokens), "max_model_len": worker.model.context_length}
        raise RequestError(404, f"There is nothing at POST {self._path()}.", "unknown_url")

    def _path(self) -> str:
        return self.path.split("?")[0]

    def _authorize(self) -> None:
        sent = self.headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(sent, f"Bearer {self.server.key}".encode()):
            raise RequestError(401, "The API key is missing or wrong: send it as a Bearer token.", "invalid_api_key")

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise RequestError(413, f"A request needs a Content-Length of at most {LARGEST_BODY} bytes.")
        return self.rfile.read(int(length))

    def _gone(self) -> bool:
        """Whether the client has closed its end; nothing else comes while it waits for the answer."""
        try:
            readable = select.select([self.connection], [], [], 0)[0]
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True

    def _answer(self, work) -> None:
        try:
            status, value = 200, work()
        except RequestError as failure:
            status, value = failure.status, failure.body()
        except OSError:
            self.close_connection = True  # the client is gone
            return
        except Exception:  # noqa: BLE001 - the details belong into the log, not to the client
            traceback.print_exc()
            failure = RequestError(500, "The server failed on this request: see its log.", "internal")
            status, value = failure.status, failure.body()
        content = json.dumps(value).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Prompts and keys stay out of the log; what failed is printed where it fails."""

    def log_error(self, format: str, *arguments: object) -> None:  # noqa: A002
        print("http:", format % arguments, file=sys.stderr)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise RequestError(400, "The request body is not valid JSON.") from None
