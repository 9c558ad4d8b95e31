"""The other side of run.ts: PyTorch + transformers (+ PEFT). One JSON request a line on stdin, one answer a line on stdout."""

import copy
import json
import os
import sys
import time

THREADS = int(os.environ["OMP_NUM_THREADS"])
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # libraries that print must not disturb the answers

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

torch.set_num_threads(THREADS)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def padded(sequences):
    """[n, L] ids and mask, padded on the right, as every trainer's collator does."""
    length = max(map(len, sequences))
    ids = torch.zeros(len(sequences), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
    return ids, mask


def token_logps(logits, ids):
    """log p of every next token [n, L - 1], as TRL's selective_log_softmax does it for float32."""
    logits, ids = logits[:, :-1], ids[:, 1:]
    picked = torch.gather(logits, -1, ids.unsqueeze(-1)).squeeze(-1)
    return picked - torch.stack([torch.logsumexp(row, dim=-1) for row in logits])


def spans_mask(spans, shape):
    """1 where the predicted token belongs to a span of its row [n, L - 1]."""
    mask = torch.zeros(shape)
    for row, row_spans in enumerate(spans):
        for start, end in row_spans:
            mask[row, start - 1 : end - 1] = 1
    return mask


class Trainer:
    """Training of one pair: the model, its optimizer and what stays the same from step to step."""

    def __init__(self, request):
        torch.manual_seed(0)
        self.model = AutoModelForCausalLM.from_pretrained(
            request["dir"], dtype=torch.float32, attn_implementation="sdpa"
        )
        self.lora = request["adapter"] is not None
        self.reference = None
        if self.lora:
            from peft import PeftModel

            self.model = PeftModel.from_pretrained(self.model, request["adapter"], is_trainable=True)
        if request["checkpointing"]:
            self.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            if self.lora:
                self.model.enable_input_require_grads()
        self.model.train()  # checkpointing needs it; there is no dropout
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.start = [p.detach().clone() for p in self.parameters]
        self.optimizer = None

        pair, objective = request["pair"], request["objective"]
        self.objective = objective
        self.single = torch.tensor([pair["chosen"]])
        self.ids, self.mask = padded([pair["chosen"], pair["rejected"]])
        shape = (2, self.ids.shape[1] - 1)
        self.answers = spans_mask([pair["chosenSpans"], pair["rejectedSpans"]], shape)
        self.whole = self.mask[:1, 1:].float()  # every predicted token of the chosen sequence
        self.sums = pair["referenceSums"]
        short = pair["short"]
        self.short_ids, self.short_mask = padded(
            [turn["chosen"] for turn in short] + [turn["rejected"] for turn in short]
        )
        spans = [[turn["chosenSpan"]] for turn in short] + [[turn["rejectedSpan"]] for turn in short]
        self.short_answers = spans_mask(spans, (2 * len(short), self.short_ids.shape[1] - 1))

    def reset(self):
        with torch.no_grad():
            for parameter, start in zip(self.parameters, self.start):
                parameter.copy_(start)
        self.model.zero_grad(set_to_none=True)
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.0, weight_decay=0.0, fused=True)

    @torch.no_grad()
    def reference_sums(self):
        """The published form: the frozen model scores the short contexts inside the step."""

        def score(model):
            logits = model(self.short_ids, attention_mask=self.short_mask, use_cache=False).logits
            return (token_logps(logits, self.short_ids) * self.short_answers).sum(1)

        if self.lora:
            with self.model.disable_adapter():
                sums = score(self.model)
        else:
            if self.reference is None:  # made in the first, untimed step
                self.reference = copy.deepcopy(self.model).eval().requires_grad_(False)
            sums = score(self.reference)
        half = len(sums) // 2
        return sums[:half].sum(), sums[half:].sum()

    def loss(self, mode):
        if mode == "single":
            return self.model(self.single, labels=self.single, use_cache=False).loss
        sums = self.reference_sums() if mode == "pair_reference" else self.sums
        logps = token_logps(self.model(self.ids, attention_mask=self.mask, use_cache=False).logits, self.ids)
        nll_document = -(logps[:1] * self.whole).sum() / self.whole.sum()
        nll_answers = -(logps[0] * self.answers[0]).sum() / self.answers[0].sum()
        chosen, rejected = (logps * self.answers).sum(1)
        o = self.objective
        z = (chosen - sums[0]) - (rejected - sums[1])
        preference = -F.logsigmoid(o["beta"] * z)
        return o["nllDocument"] * nll_document + o["nllAnswers"] * nll_answers + o["lambda"] * preference

    def step(self, mode, learning_rate):
        start = time.perf_counter()
        loss = self.loss(mode)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        return {"seconds": time.perf_counter() - start, "loss": value}


class Generator:
    def __init__(self, request):
        self.model = AutoModelForCausalLM.from_pretrained(
            request["dir"], dtype=torch.float32, attn_implementation="sdpa"
        ).eval()
        # No end token, so every sequence has all its new tokens and no token is forbidden on either side.
        config = self.model.generation_config
        config.eos_token_id, config.pad_token_id = None, 0

    @torch.inference_mode()
    def generate(self, prompts, new_tokens):
        ids, mask = padded(prompts)
        start = time.perf_counter()
        out = self.model.generate(
            ids, attention_mask=mask, do_sample=False, max_new_tokens=new_tokens, min_new_tokens=new_tokens
        )
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "tokens": out[:, ids.shape[1] :].tolist()}


def peak_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def versions():
    import peft

    return {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
        "threads": torch.get_num_threads(),
        "cpuCapability": torch.backends.cpu.get_cpu_capability(),
        "mkl": torch.backends.mkl.is_available(),
        "onednn": torch.backends.mkldnn.is_available(),
    }


def main():
    trainer = generator = None
    for line in sys.stdin:
        request = json.loads(line)
        command = request["command"]
        answer = {}
        try:
            if command == "versions":
                answer = versions()
            elif command == "load_trainer":
                trainer = Trainer(request)
            elif command == "reset":
                trainer.reset()
            elif command == "step":
                answer = trainer.step(request["mode"], request["learningRate"])
            elif command == "load_generator":
                generator = Generator(request)
            elif command == "generate":
                answer = generator.generate(request["prompts"], request["newTokens"])
            elif command == "peak":
                answer = {"mib": peak_mib()}
            else:
                raise ValueError(f"unknown command {command}")
        except Exception as error:  # the caller shows it and stops
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
