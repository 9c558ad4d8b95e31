"""The same LongPO step in PyTorch: transformers, PEFT LoRA, SDPA flash attention, gradient checkpointing, bfloat16.

(a) chosen and rejected as a batch of two long sequences, with the reference pass in the step
(b) the same with precomputed reference log-probabilities
The loss head runs in chunks in both: logits of whole sequences would not fit.

python peer.py MODEL --lengths 8192 32768 [--repeat 2]; a JSON line a step.
"""
import argparse
import json
import time

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from transformers import AutoModelForCausalLM

BETA, LAMBDA, CHUNK = 0.1, 0.01, 2048


def tokens(document, answer, vocabulary):
    i = torch.arange(document + 2 * answer, dtype=torch.int64)
    ids = (i * 7919 + (i * i) % 101) % vocabulary
    chosen = ids[:document + answer]
    rejected = torch.cat([ids[:document], ids[document + answer:]])
    return torch.stack([chosen, rejected]).cuda()


def logps_of(hidden, head, target):
    """log p of each target, by chunks of rows that are computed again on the way back."""
    def part(rows, ids):
        return -F.cross_entropy(head(rows).float(), ids, reduction='none')
    chunks = zip(hidden.split(CHUNK), target.split(CHUNK))
    return torch.cat([checkpoint(part, rows, ids, use_reentrant=False) for rows, ids in chunks])


def body_and_head(model):
    base = model.get_base_model()
    return base.model, base.lm_head


def answer_sums(model, ids, answer):
    """Sums of the two answers' log-probabilities."""
    body, head = body_and_head(model)
    hidden = body(input_ids=ids, use_cache=False).last_hidden_state
    return [logps_of(row[-answer - 1:-1], head, target[-answer:]).sum() for row, target in zip(hidden, ids)]


def loss_of(model, ids, answer, reference, form):
    """LongPO as published: mean NLL of the whole chosen sequence, and the preference term."""
    body, head = body_and_head(model)
    if form == 'batch':
        hidden = body(input_ids=ids, use_cache=False).last_hidden_state
    else:
        rows = ids if form == 'separate' else ids[:1]
        hidden = [body(input_ids=row[None], use_cache=False).last_hidden_state[0] for row in rows]
    chosen = logps_of(hidden[0][:-1], head, ids[0, 1:])
    if form == 'single':
        return -chosen.mean()
    rejected = logps_of(hidden[1][-answer - 1:-1], head, ids[1, -answer:])
    z = (chosen[-answer:].sum() - reference[0]) - (rejected.sum() - reference[1])
    return -chosen.mean() + LAMBDA * F.softplus(-BETA * z)


def timed(work):
    torch.cuda.synchronize()
    start = time.perf_counter()
    result = work()
    torch.cuda.synchronize()
    return result, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('--lengths', type=int, nargs='+', default=[8192])
    parser.add_argument('--answer', type=int, default=256)
    parser.add_argument('--chunk', type=int, default=4096)
    parser.add_argument('--repeat', type=int, default=2)
    parser.add_argument('--form', choices=['batch', 'separate', 'single'], default='batch',
                        help='both sequences as a batch of two, one after the other, or the chosen one alone')
    parser.add_argument('--long-reference', choices=['always', 'once', 'never'], default='always',
                        help='score the reference on the long sequences too: in each run, in the first, or not')
    args = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.bfloat16, attn_implementation='sdpa',
                                                 device_map={'': 0})
    targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={'use_reentrant': False})
    model.enable_input_require_grads()
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=targets))
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-6, weight_decay=0.0)
    layers, vocabulary = model.config.num_hidden_layers, model.config.vocab_size
    for document in args.lengths:
        ids = tokens(document, args.answer, vocabulary)
        short = tokens(min(document, args.chunk), args.answer, vocabulary)
        try:
            for run in range(args.repeat):
                torch.cuda.reset_peak_memory_stats()
                with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
                    with torch.no_grad(), model.disable_adapter():
                        reference, short_seconds = timed(lambda: answer_sums(model, short, args.answer))
                        long_seconds = None
                        if args.long_reference == 'always' or (args.long_reference == 'once' and run == 0):
                            _, long_seconds = timed(lambda: answer_sums(model, ids, args.answer))
                    optimizer.zero_grad(set_to_none=True)
                    loss, forward = timed(lambda: loss_of(model, ids, args.answer, reference, args.form))
                    _, backward = timed(loss.backward)
                    _, update = timed(optimizer.step)
                print(json.dumps(dict(
                    side='peer', form=args.form, document=document, answer=args.answer, layers=layers,
                    run=run, loss=loss.item(),
                    seconds=dict(reference_short=short_seconds, reference_long=long_seconds, forward=forward,
                                 backward=backward, optimizer=update),
                    allocatedMiB=torch.cuda.max_memory_allocated() >> 20,
                    reservedMiB=torch.cuda.max_memory_reserved() >> 20)), flush=True)
                del loss
        except torch.cuda.OutOfMemoryError as error:
            print(json.dumps(dict(side='peer', form=args.form, document=document, error=str(error)[:300])), flush=True)
            break


main()
