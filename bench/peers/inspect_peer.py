"""Runs the plan with Inspect: one sample a trajectory, its calls made by a solver, as Inspect has users do it.

python inspect_peer.py PLAN URL OUT CONCURRENCY
"""

import json
import os
import sys
import tempfile
import time

plan_file, base_url, out, concurrency = sys.argv[1:5]
os.environ["SIM_BASE_URL"] = base_url
os.environ["SIM_API_KEY"] = "none"

import anyio  # noqa: E402
from inspect_ai import Task, eval as run_eval  # noqa: E402
from inspect_ai.dataset import Sample  # noqa: E402
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model  # noqa: E402
from inspect_ai.solver import Generate, TaskState, solver  # noqa: E402

with open(plan_file, encoding="utf-8") as file:
    plan = {planned["id"]: planned for planned in json.load(file)}
limit = {} if concurrency == "" else {"max_connections": int(concurrency)}
models = {name: get_model(f"openai-api/sim/{name}", config=GenerateConfig(**limit)) for name in ("plan", "tool", "reflect")}
texts: dict[str, str] = {}
began = 0.0
ended = 0.0


@solver
def chain():
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        global began, ended
        began = began or time.perf_counter()
        planned = plan[str(state.sample_id)]
        text = planned["head"]
        for call in planned["calls"]:
            text += call["add"]
            config = GenerateConfig(max_tokens=call["tokens"], seed=call["seed"], temperature=0)
            said = await models[call["model"]].generate([ChatMessageUser(content=text)], config=config)
            text += said.completion
            if "tool" in call:
                await anyio.sleep(call["tool"]["ms"] / 1000)
                text += call["tool"]["text"]
        texts[planned["id"]] = text
        ended = time.perf_counter()
        return state

    return solve


with tempfile.TemporaryDirectory() as folder:
    run_eval(
        Task(dataset=[Sample(id=name, input=name) for name in plan], solver=chain()),
        model=models["plan"],
        display="none",
        log_dir=folder,
        **({} if concurrency == "" else {"max_samples": int(concurrency)}),
    )
with open(out, "w", encoding="utf-8") as file:
    json.dump({"ms": (ended - began) * 1000, "texts": texts}, file)
