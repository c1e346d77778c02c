"""`python -m server JOB_DIR`: serves what JOB_DIR/spec.json names with the key in JOB_DIR/key, on a free port of
AUTOACT_HOST (loopback when unset), which is written to JOB_DIR/endpoint.json once the server listens."""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "3000")  # see trainer/__main__.py
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    job = Path(arguments[0])
    spec = json.loads((job / "spec.json").read_text())
    key = (job / "key").read_text().strip()
    if os.path.isdir(spec["base"]):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from .failures import ServeError
        from .http_api import Api
        from .model import ServedModel
        from .worker import Worker
    except ModuleNotFoundError as missing:
        print(f"This interpreter lacks {missing.name}: install the packages of box/requirements.txt.", file=sys.stderr)
        return 66
    from trainer.files import atomic_write

    try:
        model = ServedModel(spec["base"], {name: Path(path) for name, path in spec["adapters"].items()})
    except ServeError as failure:
        print(failure, file=sys.stderr)
        return 66
    host = os.environ.get("AUTOACT_HOST", "127.0.0.1")
    api = Api(Worker(model), key, host=host)
    atomic_write(job / "endpoint.json", json.dumps({"host": host, "port": api.port}) + "\n")
    print(f"Serving {', '.join(model.names)} on {model.device} at port {api.port}", flush=True)
    api.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
