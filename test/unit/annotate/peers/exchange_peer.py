"""Reads our exports with the other tools' own packages. Needs argilla and requests, label-studio-sdk; only run again when a
format changes: python exchange_peer.py ARGILLA.json LABEL_STUDIO.json LABEL_STUDIO.config.xml > argilla.json, then
prettier --write argilla.json. What it prints is what Argilla's records write again, which our import has to understand;
it fails where Label Studio does not take the labelling interface or an annotation."""

import json
import sys

records, tasks, config = sys.argv[1:]

import argilla  # noqa: E402

with open(records) as file:
    json.dump([argilla.Record.from_dict(record).to_dict() for record in json.load(file)], sys.stdout, default=str)
print()

from label_studio_sdk.label_interface import LabelInterface  # noqa: E402

with open(config) as file:
    interface = LabelInterface(file.read())
interface.validate()
with open(tasks) as file:
    for task in json.load(file):
        for annotation in task["annotations"]:
            assert interface.validate_annotation(annotation), annotation
