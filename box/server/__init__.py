"""A small server with OpenAI's completions API over transformers and peft, for boxes without a larger one."""
