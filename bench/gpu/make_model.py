"""Random bfloat16 weights in a shape, as a Hugging Face folder, and folders that use its first layers only.

python make_model.py DIR [--shape mistral-7b|llama-3.1-8b|tiny] [--layers N] [--also 4]
"""
import argparse
import json
import os

import torch
from safetensors.torch import save_file

SHAPES = {
    'mistral-7b': dict(model_type='mistral', architectures=['MistralForCausalLM'], hidden_size=4096,
                       intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
                       vocab_size=32000, rms_norm_eps=1e-5, rope_theta=1000000.0, sliding_window=None),
    'llama-3.1-8b': dict(model_type='llama', architectures=['LlamaForCausalLM'], hidden_size=4096,
                         intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
                         vocab_size=128256, rms_norm_eps=1e-5, rope_theta=500000.0),
    'tiny': dict(model_type='llama', architectures=['LlamaForCausalLM'], hidden_size=512, intermediate_size=1024,
                 num_hidden_layers=2, num_attention_heads=8, num_key_value_heads=4, vocab_size=2048, rms_norm_eps=1e-5,
                 rope_theta=500000.0),
}


def shapes_of(config):
    """Names and shapes in the order of the forward pass."""
    hidden, mlp = config['hidden_size'], config['intermediate_size']
    head = hidden // config['num_attention_heads']
    query, key = config['num_attention_heads'] * head, config['num_key_value_heads'] * head
    yield 'model.embed_tokens.weight', (config['vocab_size'], hidden)
    for layer in range(config['num_hidden_layers']):
        prefix = f'model.layers.{layer}.'
        yield prefix + 'input_layernorm.weight', (hidden,)
        yield prefix + 'self_attn.q_proj.weight', (query, hidden)
        yield prefix + 'self_attn.k_proj.weight', (key, hidden)
        yield prefix + 'self_attn.v_proj.weight', (key, hidden)
        yield prefix + 'self_attn.o_proj.weight', (hidden, query)
        yield prefix + 'post_attention_layernorm.weight', (hidden,)
        yield prefix + 'mlp.gate_proj.weight', (mlp, hidden)
        yield prefix + 'mlp.up_proj.weight', (mlp, hidden)
        yield prefix + 'mlp.down_proj.weight', (hidden, mlp)
    yield 'model.norm.weight', (hidden,)
    yield 'lm_head.weight', (config['vocab_size'], hidden)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('dir')
    parser.add_argument('--shape', default='mistral-7b', choices=SHAPES)
    parser.add_argument('--layers', type=int)
    parser.add_argument('--also', type=int, nargs='*', default=[], help='DIR-N folders over the same file')
    args = parser.parse_args()
    config = dict(SHAPES[args.shape], hidden_act='silu', max_position_embeddings=1 << 20, tie_word_embeddings=False,
                  torch_dtype='bfloat16')
    if args.layers:
        config['num_hidden_layers'] = args.layers
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    generator = torch.Generator(device).manual_seed(0)
    tensors = {}
    for name, shape in shapes_of(config):
        if 'norm' in name:
            tensors[name] = torch.ones(shape, dtype=torch.bfloat16)
        else:
            values = torch.empty(shape, dtype=torch.bfloat16, device=device)
            tensors[name] = values.normal_(0, 0.02, generator=generator).cpu()
    os.makedirs(args.dir, exist_ok=True)
    save_file(tensors, os.path.join(args.dir, 'model.safetensors'), metadata={'format': 'pt'})
    for layers in (config['num_hidden_layers'], *args.also):
        folder = args.dir if layers == config['num_hidden_layers'] else f'{args.dir}-{layers}'
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'config.json'), 'w') as file:
            json.dump(dict(config, num_hidden_layers=layers), file)
        if folder != args.dir:
            os.link(os.path.join(args.dir, 'model.safetensors'), os.path.join(folder, 'model.safetensors'))


main()
