"""Opens every kind of file of an export of everything with the library that its users would take.

Usage: python3 open_export.py FOLDER RUN

Prints JSON: rows of each JSON Lines file by `datasets`, what TRL makes of the pairs, PEFT's adapter of the run on its base
model, and the run's metrics as [step, metric, value] read by Python's csv.
"""
import csv
import json
import sys
from pathlib import Path

import torch
from datasets import load_dataset
from peft import AutoPeftModelForCausalLM
from transformers.utils import logging
from trl.data_utils import is_conversational, maybe_extract_prompt

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)

folder, run = Path(sys.argv[1]), Path(sys.argv[1]) / "runs" / sys.argv[2]
rows, pairs = {}, {}
for path in sorted(folder.glob("*.jsonl")):
    data = load_dataset("json", data_files=str(path), split="train", cache_dir=str(folder.parent / "datasets"))
    rows[path.name] = len(data)
    if path.name.startswith("pairs"):
        example = maybe_extract_prompt(data[0])
        pairs[path.name] = {
            "columns": sorted(data.column_names),
            "conversational": is_conversational(data[0]),
            "roles": [[message["role"] for message in example[key]] for key in ("prompt", "chosen", "rejected")],
        }
model = AutoPeftModelForCausalLM.from_pretrained(str(run / "adapter"), dtype=torch.float32)
lora = {name: value for name, value in model.named_parameters() if "lora_" in name}
with open(run / "metrics.csv", encoding="utf-8", newline="") as file:
    metrics = [[int(row["step"]), row["metric"], float(row["value"])] for row in csv.DictReader(file)]
print(json.dumps({
    "rows": rows,
    "pairs": pairs,
    "lora": len(lora),
    "trained": any(float(value.detach().abs().max()) > 0 for name, value in lora.items() if "lora_B" in name),
    "metrics": metrics,
}))
