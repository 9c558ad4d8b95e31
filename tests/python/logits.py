"""Logits of transformers (and PEFT) for model folders and adapters.

Usage: python3 logits.py JOBS.json OUT.safetensors

JOBS.json: {"ids": [[...]], "jobs": [{"name", "model", "adapter"?, "theta"?}]}. Writes the logits [1, T, vocab] of each job
as float32 (eager attention, float32 arithmetic) and prints, per job, the parameter type of the folder, the names and
scale of PEFT's LoRA tensors and the keys that transformers or PEFT missed or did not expect.
"""
import json
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)


def run(job, ids):
    config = AutoConfig.from_pretrained(job["model"])
    if "theta" in job:
        config.rope_parameters = {**config.rope_parameters, "rope_theta": job["theta"]}
    model, loading = AutoModelForCausalLM.from_pretrained(
        job["model"], config=config, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    report = {
        "dtype": str(config.dtype).removeprefix("torch."),
        "rope_theta": config.rope_parameters["rope_theta"],
        "missing": sorted(loading["missing_keys"]),
        "unexpected": sorted(loading["unexpected_keys"]),
        "tokenizer": len(AutoTokenizer.from_pretrained(job["model"])),
    }
    if "adapter" in job:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = PeftModel.from_pretrained(model, job["adapter"])
        report["warnings"] = [str(w.message) for w in caught if "adapter" in str(w.message)]
        report["lora"] = sorted(n.replace(".default.", ".") for n, _ in model.named_parameters() if "lora_" in n)
        report["scale"] = next(m.scaling["default"] for m in model.modules() if hasattr(m, "lora_A"))
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.tensor(ids), use_cache=False).logits
    return report, logits.float().contiguous()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        work = json.load(file)
    reports, tensors = {}, {}
    for job in work["jobs"]:
        reports[job["name"]], tensors[job["name"]] = run(job, work["ids"])
    save_file(tensors, sys.argv[2])
    print(json.dumps(reports))


main()
