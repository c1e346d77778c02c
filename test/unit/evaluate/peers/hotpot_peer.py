"""An independent reading of HotpotQA's answer metrics, in Python and built differently from ours (character scan and
sorted token lists instead of regular expressions and counts). Reads JSON lines [prediction, gold] from stdin and writes
[normalised prediction, em, f1] for each."""

import json
import string
import sys


def words(text):
    kept = "".join(" " if c.isspace() else c for c in text.lower() if c not in string.punctuation)
    out, word = [], ""
    for c in kept + " ":
        if c.isalnum() or c == "_":
            word += c
            continue
        if word in ("a", "an", "the"):
            word = " "
        out.append(word)
        word = ""
        out.append(c)
    return "".join(out).split()


def f1(a, b):
    if a != b and (a in (["yes"], ["no"], ["noanswer"]) or b in (["yes"], ["no"], ["noanswer"])):
        return 0.0
    x, y, same = sorted(a), sorted(b), 0
    while x and y:
        if x[-1] == y[-1]:
            same += 1
            x.pop()
            y.pop()
        elif x[-1] > y[-1]:
            x.pop()
        else:
            y.pop()
    return 2 * same / (len(a) + len(b)) if same else 0.0


for row in sys.stdin:
    prediction, gold = (words(text) for text in json.loads(row))
    print(json.dumps([" ".join(prediction), prediction == gold, f1(prediction, gold)]))
