"""Prints the versions of the packages that interoperability tests rely on, as JSON."""

import json
from importlib.metadata import version

print(json.dumps({name: version(name) for name in ("torch", "numpy", "onnx", "transformers", "peft", "safetensors", "tokenizers", "datasets", "trl")}))
