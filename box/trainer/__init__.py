"""Trains the LoRA adapters of an agent group on one resident base model. See README.md in this folder's parent."""
