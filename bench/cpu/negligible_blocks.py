"""Share of attention's score blocks that a backward pass could leave out: those in which no row has more than 2^-9 of its
probability. python negligible_blocks.py MODEL TEXT --tokens 8192 --layers 0 3 8 14 20 26 29; a JSON line a layer.
"""
import argparse
import json

import torch
import transformers.models.llama.modeling_llama as llama
from transformers import AutoModelForCausalLM, AutoTokenizer

ROWS = 1024
SIZES = (128, 256, 1024)
NEGLIGIBLE = 2.0**-9


def shares(q, k, tokens):
    """By block size: of each head for itself, of all heads of a key head, and of all heads. q [H, T, D], k [KV, T, D]."""
    heads, kv_heads = q.shape[0], k.shape[0]
    keys = k.repeat_interleave(heads // kv_heads, 0)
    counts = {size: dict(head=0, keyHead=0, all=0, blocks=0) for size in SIZES}
    for start in range(0, tokens, ROWS):
        end = start + ROWS
        scores = q[:, start:end] @ keys[:, :end].transpose(1, 2) * q.shape[-1] ** -0.5
        seen = torch.ones(ROWS, end, dtype=torch.bool).tril(start)
        p = scores.masked_fill(~seen, float('-inf')).softmax(-1)
        for size, count in counts.items():
            # [H, blocks of rows, blocks of keys]: the most that any row has there
            most = p.view(heads, ROWS, end // size, size).sum(-1).view(heads, ROWS // size, size, -1).amax(2)
            rows = torch.arange(ROWS // size)[:, None] + start // size
            visible = torch.arange(end // size)[None] <= rows
            small = (most < NEGLIGIBLE) & visible
            count['head'] += small.sum().item() / heads
            count['keyHead'] += small.view(kv_heads, -1, *small.shape[1:]).all(1).sum().item() / kv_heads
            count['all'] += small.all(0).sum().item()
            count['blocks'] += visible.sum().item()
    return {size: {kind: round(c[kind] / c['blocks'], 4) for kind in ('head', 'keyHead', 'all')} for size, c in counts.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('text', nargs='+')
    parser.add_argument('--tokens', type=int, default=8192)
    parser.add_argument('--layers', type=int, nargs='+', default=[0, 3, 8, 14, 20, 26, 29])
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32, attn_implementation='sdpa').eval()
    text = '\n\n'.join(open(path, encoding='utf-8').read() for path in args.text)
    ids = torch.tensor(tokenizer(text)['input_ids'][: args.tokens])[None]
    rotate, layer = llama.apply_rotary_pos_emb, iter(range(model.config.num_hidden_layers))

    def measured(q, k, *rest, **options):
        q, k = rotate(q, k, *rest, **options)
        number = next(layer)
        if number in args.layers:
            print(json.dumps(dict(layer=number, blocks=shares(q[0], k[0], ids.shape[1]))), flush=True)
        return q, k

    llama.apply_rotary_pos_emb = measured
    with torch.no_grad():
        model.model(ids)


main()
