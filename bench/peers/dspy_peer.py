"""Runs the plan with DSPy: one call of a module a trajectory, in parallel, with its own language model client.

python dspy_peer.py PLAN URL OUT CONCURRENCY
"""

import json
import logging
import sys
import time

import dspy

plan_file, base_url, out, concurrency = sys.argv[1:5]
logging.disable(logging.WARNING)  # Every answer of the plan ends at its length, which DSPy warns of each time.

with open(plan_file, encoding="utf-8") as file:
    plan = json.load(file)
models = {
    name: dspy.LM(f"openai/{name}", api_base=base_url, api_key="none", cache=False, temperature=0)
    for name in ("plan", "tool", "reflect")
}


class Chain(dspy.Module):
    def forward(self, planned):
        text = planned["head"]
        for call in planned["calls"]:
            text += call["add"]
            messages = [{"role": "user", "content": text}]
            said = models[call["model"]](messages=messages, max_tokens=call["tokens"], seed=call["seed"])[0]
            text += said if isinstance(said, str) else said["text"]
            if "tool" in call:
                time.sleep(call["tool"]["ms"] / 1000)
                text += call["tool"]["text"]
        return text


chain = Chain()
threads = {} if concurrency == "" else {"num_threads": int(concurrency)}
began = time.perf_counter()
texts = dspy.Parallel(disable_progress_bar=True, **threads)([(chain, {"planned": planned}) for planned in plan])
ms = (time.perf_counter() - began) * 1000
with open(out, "w", encoding="utf-8") as file:
    json.dump({"ms": ms, "texts": {planned["id"]: text for planned, text in zip(plan, texts)}}, file)
