"""Time a token in transformers' generate behind a long document whose cache is reused, and the card's copy bandwidth.

python decode_peer.py MODEL --prefix 32768 --batches 1 4; a JSON line each. The time a token is the difference of two calls of
unequal length. First the model alone, then with a LoRA adapter on q_proj and v_proj (what decode.ts runs with).
"""
import argparse
import copy
import json
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, DynamicCache


def copy_bandwidth():
    """Bytes read and written a second by a large copy on the card."""
    a = torch.empty(1 << 30, dtype=torch.int32, device='cuda').random_()
    b = torch.empty_like(a)
    times = []
    for _ in range(10):
        torch.cuda.synchronize()
        start = time.perf_counter()
        b.copy_(a)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 2 * a.numel() * a.element_size() / statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('--prefix', type=int, default=32768)
    parser.add_argument('--batches', type=int, nargs='+', default=[1, 4])
    parser.add_argument('--tokens', type=int, default=64)
    parser.add_argument('--repeat', type=int, default=3)
    args = parser.parse_args()
    print(json.dumps(dict(task='copy', bytesPerSecond=copy_bandwidth())), flush=True)
    torch.cuda.empty_cache()
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.bfloat16, attn_implementation='sdpa',
                                                 device_map={'': 0}).eval()
    vocabulary, layers = model.config.vocab_size, model.config.num_hidden_layers
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    prefix = ((torch.arange(args.prefix) * 7919) % vocabulary)[None].cuda()
    with torch.no_grad():
        document = DynamicCache()
        model.model(input_ids=prefix, past_key_values=document, use_cache=True)
    cache_bytes = 2 * layers * args.prefix * model.config.num_key_value_heads * model.config.head_dim * 2
    for adapter in (False, True):
        if adapter:
            model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=['q_proj', 'v_proj']))
        for batch in args.batches:
            prompts = torch.stack([100 * i + torch.arange(16) for i in range(batch)]).cuda()
            ids = torch.cat([prefix.expand(batch, -1), prompts], 1)

            def run(new):
                cache = copy.deepcopy(document)
                if batch > 1:
                    cache.batch_repeat_interleave(batch)
                torch.cuda.synchronize()
                start = time.perf_counter()
                model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), past_key_values=cache, do_sample=False,
                               max_new_tokens=new, min_new_tokens=new, pad_token_id=0)
                torch.cuda.synchronize()
                return time.perf_counter() - start

            run(4)
            times = [1000 * (run(2 + args.tokens) - run(2)) / args.tokens for _ in range(args.repeat)]
            print(json.dumps(dict(side='peer', task='decode', adapter=adapter, layers=layers, prefix=args.prefix, batch=batch,
                                  millisecondsPerToken=statistics.median(times), all=times, weightBytes=weights,
                                  cacheBytes=cache_bytes)), flush=True)


main()
