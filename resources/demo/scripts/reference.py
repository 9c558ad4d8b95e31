"""Reference run of the demo in plain PyTorch: self-generated pairs, audit, LongPO / SFT / DPO training, evaluation."""
import argparse, copy, json, math, os, random, re, sys, time
import torch, torch.nn.functional as F
HERE = os.path.dirname(os.path.abspath(__file__)); sys.path.insert(0, HERE)
import world as W
from tiny_llama import load, save


# ---------------------------------------------------------------- generation
def pad(seqs, dev):
    L = max(len(s) for s in seqs); t = torch.zeros(len(seqs), L, dtype=torch.long)
    for i, s in enumerate(seqs):
        t[i, :len(s)] = torch.tensor(s)
    return t.to(dev), torch.tensor([len(s) for s in seqs], device=dev)


def pick(lg, temp, top_p, gen):
    if temp == 0:
        return lg.argmax(-1)
    p = F.softmax(lg.float() / temp, -1)
    s, i = p.sort(-1, descending=True); keep = s.cumsum(-1) - s < top_p
    s = s * keep; k = torch.multinomial(s / s.sum(-1, keepdim=True), 1, generator=gen)
    return i.gather(1, k)[:, 0]


@torch.no_grad()
def generate(m, prefixes, suffixes=None, owner=None, max_new=14, temp=0., top_p=1., seed=0, bs=64):
    """Continues prefixes[i] (suffixes None) or prefixes[owner[j]] + suffixes[j]; a prefix is read once for all its suffixes."""
    m.eval(); dev = next(m.parameters()).device; gen = torch.Generator(device=dev).manual_seed(seed)
    out = [None] * (len(prefixes) if suffixes is None else len(suffixes))
    for j in range(0, len(prefixes), bs):
        ids, n = pad(prefixes[j:j + bs], dev); L = ids.shape[1]; cache = m.new_cache(); h = m.hidden(ids, cache=cache)
        if suffixes is None:
            rows = list(range(j, j + len(ids))); own = torch.arange(len(ids), device=dev)
            last = h[torch.arange(len(ids), device=dev), n - 1]; slots = torch.arange(L, device=dev)[None] < n[:, None]; pos = n
        else:
            rows = [k for k, o in enumerate(owner) if j <= o < j + len(ids)]
            if not rows:
                continue
            own = torch.tensor([owner[k] - j for k in rows], device=dev); q, qn = pad([suffixes[k] for k in rows], dev)
            for c in cache:
                c[:] = [c[0][own], c[1][own]]
            doc = torch.arange(L, device=dev)[None] < n[own][:, None]; T = q.shape[1]
            causal = torch.ones(T, T, dtype=torch.bool, device=dev).tril()
            mask = torch.cat([doc[:, None, None].expand(-1, 1, T, -1), causal[None, None].expand(len(rows), 1, T, T)], -1)
            h = m.hidden(q, n[own][:, None] + torch.arange(T, device=dev)[None], mask, cache)
            last = h[torch.arange(len(rows), device=dev), qn - 1]
            slots = torch.cat([doc, torch.arange(T, device=dev)[None] < qn[:, None]], 1); pos = n[own] + qn
        done = torch.zeros(len(rows), dtype=torch.bool, device=dev); toks = []
        for _ in range(max_new):
            t = pick(m.logits(last), temp, top_p, gen); t = torch.where(done, torch.zeros_like(t), t); toks.append(t); done = done | (t == W.END)
            if done.all():
                break
            slots = torch.cat([slots, torch.ones(len(rows), 1, dtype=torch.bool, device=dev)], 1)
            last = m.hidden(t[:, None], pos[:, None], slots[:, None, None], cache)[:, 0]; pos = pos + 1
        toks = torch.stack(toks, 1).tolist()
        for k, t in zip(rows, toks):
            out[k] = t[:t.index(W.END) + 1] if W.END in t else t
    return out


# ---------------------------------------------------------------- self-generated data
def split_chunks(v, text, size):
    out, cur, n = [], [], 0
    for s in re.split(r"(?<=[.!?]) ", text):
        k = len(v.tok.encode(" " + s).ids)
        if cur and n + k > size:
            out.append(" ".join(cur)); cur, n = [], 0
        cur.append(s); n += k
    return out + ([" ".join(cur)] if cur else [])


def build(m, v, texts, chunk=112, turns=4, theta=None, seed=0, temp=.7, top_p=.9, per_chunk=1, drop_same=False, grounded=False):
    """Documents -> multi-turn preference samples, written by the model itself. theta: RoPE base of the long pass."""
    r = random.Random(seed); nl = v.tok.encode("\n").ids; ask = nl + v.tok.encode("".join(W.ASK)).ids + [W.END, W.ASSISTANT]
    docs = [v.tok.encode(t).ids for t in texts]; C = []
    for i, t in enumerate(texts):
        cs = split_chunks(v, t, chunk)
        C += [(i, v.tok.encode(c).ids) for c in cs for _ in range(per_chunk)]
    qs = generate(m, [[W.USER] + c + ask for _, c in C], max_new=10, temp=temp, top_p=top_p, seed=seed)
    keep = [(i, c, q[:-1]) for (i, c), q in zip(C, qs) if q[-1] == W.END and len(q) > 3]
    tail = [nl + q + [W.END, W.ASSISTANT] for _, _, q in keep]
    short = [[W.USER] + c + t for (_, c, _), t in zip(keep, tail)]
    ch = generate(m, short)
    th = m.theta; m.theta = theta or th
    rj = generate(m, [[W.USER] + d for d in docs], tail, [i for i, _, _ in keep], bs=32); m.theta = th
    by = {}; stat = dict(documents=len(texts), chunks=len(C), questions=len(keep), pairs=0, identical=0, ungrounded=0)
    for (i, c, q), s, a, b in zip(keep, short, ch, rj):
        if not a or not b or a[-1] != W.END or b[-1] != W.END:
            continue
        if grounded and v.tok.decode(a[:-1], skip_special_tokens=False) not in v.tok.decode(c, skip_special_tokens=False):
            stat["ungrounded"] += 1; continue
        stat["pairs"] += 1; stat["identical"] += a == b
        if drop_same and a == b:
            continue
        by.setdefault(i, []).append(dict(q=q, short=s, c=a, r=b))
    out = []
    for i, ts in by.items():
        r.shuffle(ts)
        for k in range(0, len(ts), turns):
            out.append(sample([W.USER] + docs[i] + nl, ts[k:k + turns]))
    return out, stat


def sample(doc, turns):
    def branch(key):
        ids, mk = [], []
        for k, t in enumerate(turns):
            u = ([W.USER] if k else []) + t["q"] + [W.END, W.ASSISTANT]
            ids += u + t[key]; mk += [0] * len(u) + [1] * len(t[key])
        return ids, mk
    c, cm = branch("c"); j, jm = branch("r")
    return dict(doc=doc, c=c, cm=cm, r=j, rm=jm, turns=turns)


# ---------------------------------------------------------------- losses
def pack(batch, dev, rejected=True):
    """[document | chosen turns | rejected turns] in one row; the two branches see the document and themselves only."""
    n = len(batch); L = max(len(b["doc"]) + len(b["c"]) + (len(b["r"]) if rejected else 0) for b in batch)
    ids = torch.zeros(n, L, dtype=torch.long); pos = torch.zeros(n, L, dtype=torch.long); seg = torch.full((n, L), 3)
    lab = torch.zeros(n, L, dtype=torch.long)
    for i, b in enumerate(batch):
        d, c, j = len(b["doc"]), len(b["c"]), len(b["r"]) if rejected else 0
        x = b["doc"] + b["c"] + (b["r"] if rejected else []); ids[i, :len(x)] = torch.tensor(x)
        pos[i, :d + c] = torch.arange(d + c); pos[i, d + c:d + c + j] = torch.arange(d, d + j)
        seg[i, :d] = 0; seg[i, d:d + c] = 1; seg[i, d + c:d + c + j] = 2
        lab[i, d:d + c] = torch.tensor(b["cm"])
        if rejected:
            lab[i, d + c:d + c + j] = torch.tensor(b["rm"])
    ids, pos, seg, lab = ids.to(dev), pos.to(dev), seg.to(dev), lab.to(dev)
    causal = torch.ones(L, L, dtype=torch.bool, device=dev).tril()
    mask = causal[None] & ((seg[:, None, :] == 0) | (seg[:, None, :] == seg[:, :, None]))
    return ids, pos, seg, lab, mask[:, None]


def token_logp(m, ids, pos, mask):
    h = m.hidden(ids, pos, mask)[:, :-1]; lg = m.logits(h).float()
    return -F.cross_entropy(lg.reshape(-1, lg.shape[-1]), ids[:, 1:].reshape(-1), reduction="none").view(ids.shape[0], -1)


def sums(lp, seg, lab):
    s, l = seg[:, 1:], lab[:, 1:]
    return (lp * ((s == 1) & (l == 1))).sum(1), (lp * ((s == 2) & (l == 1))).sum(1)


@torch.no_grad()
def ref_short(m, batch, dev):
    """Reference log-probabilities on the short contexts, summed over the turns."""
    S = []; own = []
    for i, b in enumerate(batch):
        for t in b["turns"]:
            S.append(dict(doc=t["short"], c=t["c"], cm=[1] * len(t["c"]), r=t["r"], rm=[1] * len(t["r"]))); own.append(i)
    ids, pos, seg, lab, mask = pack(S, dev)
    h = m.hidden(ids, pos, mask)
    lp = F.log_softmax(m.logits(h).float(), -1); n = len(S); c = torch.zeros(n); r = torch.zeros(n)
    for k, s in enumerate(S):      # the rejected branch's first token is predicted by the prompt's last position
        d, a, b = len(s["doc"]), len(s["c"]), len(s["r"]); at = torch.arange(d - 1, d - 1 + a)
        c[k] = lp[k, at, torch.tensor(s["c"])].sum()
        at = torch.tensor([d - 1] + list(range(d + a, d + a + b - 1))); r[k] = lp[k, at, torch.tensor(s["r"])].sum()
    o = torch.tensor(own); z = lambda x: torch.zeros(len(batch)).index_add(0, o, x.cpu())
    return z(c), z(r)


@torch.no_grad()
def references(m, data, kind, dev, theta=None, bs=64):
    m.eval(); th = m.theta
    if kind == "long":
        m.theta = theta or th
    for j in range(0, len(data), bs):
        b = data[j:j + bs]
        if kind == "short":
            c, r = ref_short(m, b, dev)
        else:
            ids, pos, seg, lab, mask = pack(b, dev); c, r = sums(token_logp(m, ids, pos, mask), seg, lab)
        for i, x in enumerate(b):
            x["ref_" + kind] = (c[i].item(), r[i].item())
    m.theta = th


def train(base, data, method="longpo", lr=1e-3, epochs=1, bs=8, beta=.1, lam=.01, nll="all", nll_w=1., theta=None, lora=0, seed=0,
          warm=.1, wd=0., max_tokens=None, log=None, betas=(.9, .98), floor=0., doc_w=None):
    """method: longpo (reference on the chunk), dpo (reference on the document), sft. nll: all | answers | mix | none.
    Returns the trained model and a record. Every configuration counts document tokens once a sample."""
    dev = next(base.parameters()).device; m = copy.deepcopy(base); m.theta = theta or base.theta; rej = method != "sft"
    kind = {"longpo": "short", "dpo": "long"}.get(method)
    if kind and "ref_" + kind not in data[0]:
        references(base, data, kind, dev, theta)
    params = m.add_lora(lora, 2 * lora, seed) if lora else list(m.parameters())
    m.to(dev)
    opt = torch.optim.AdamW(params, lr=lr, betas=betas, weight_decay=wd); r = random.Random(seed); order = []
    size = lambda b: len(b["doc"]) + len(b["c"]) + (len(b["r"]) if rej else 0)
    total = sum(size(b) for b in data) * epochs
    if max_tokens:
        total = min(total, max_tokens)
    seen = 0; st = 0; hist = []; t0 = time.time(); m.train()
    while seen < total:
        if len(order) < bs:
            o = list(range(len(data))); r.shuffle(o); order = order + o
        b = [data[order.pop(0)] for _ in range(bs)]; frac = seen / total
        f = min(1., (frac + 1e-3) / warm) if warm else 1.; f *= floor + (1 - floor) * .5 * (1 + math.cos(math.pi * frac))
        for g in opt.param_groups:
            g["lr"] = lr * f
        ids, pos, seg, lab, mask = pack(b, dev, rej); lp = token_logp(m, ids, pos, mask); s, l = seg[:, 1:], lab[:, 1:]
        loss = 0.; info = {}
        ans = ((s == 1) & (l == 1)).float(); allm = (s <= 1).float()
        n_ans = -(lp * ans).sum() / ans.sum(); n_all = -(lp * allm).sum() / allm.sum()
        if method == "sft":
            nl = n_ans if nll in ("answers", "none") else n_all if nll == "all" else n_ans + .1 * n_all
            loss = nl
        else:
            c, j = sums(lp, seg, lab); R = torch.tensor([x["ref_" + kind] for x in b], device=dev)
            mar = beta * ((c - R[:, 0]) - (j - R[:, 1])); pref = -F.logsigmoid(mar).mean(); loss = lam * pref
            if nll == "all":
                loss = loss + nll_w * n_all
            elif nll == "answers":
                loss = loss + nll_w * n_ans
            elif nll == "mix":
                loss = loss + nll_w * (n_ans + .1 * n_all)
            info = dict(pref=round(pref.item(), 4), margin=round(mar.mean().item(), 3), kl=round((c - R[:, 0]).mean().item(), 3))
        opt.zero_grad(); loss.backward(); torch.nn.utils.clip_grad_norm_(params, 1.); opt.step()
        seen += sum(size(x) for x in b); st += 1
        if log and st % log == 0:
            print(st, seen, round(n_ans.item(), 4), round(n_all.item(), 4), info, round(time.time() - t0, 1), flush=True)
    info.update(steps=st, tokens=seen, ans=round(n_ans.item(), 4), seconds=round(time.time() - t0, 1))
    return m.eval(), info


def merge_lora(m):
    for x in m.modules():
        if getattr(x, "A", None) is not None:
            with torch.no_grad():
                x.weight += (x.B @ x.A) * x.scale
            x.A = x.B = None
    return m


# ---------------------------------------------------------------- evaluation
def rows(path):
    return [json.loads(l) for l in open(path, encoding="utf-8")]


def encode(v, it):
    c = it["context"] + ("\n" if it["context"] else "") + it["question"]
    return [W.USER] + v.tok.encode(c).ids + [W.END, W.ASSISTANT], v.tok.encode(it["answer"]).ids + [W.END]


@torch.no_grad()
def exact(m, v, items, bs=64):
    """Share of questions whose greedy answer equals the gold one (teacher forcing gives the same verdict)."""
    m.eval(); dev = next(m.parameters()).device; R = [encode(v, it) for it in items]; ok = 0
    for j in range(0, len(R), bs):
        b = R[j:j + bs]; ids, _ = pad([u + a for u, a in b], dev); h = m.hidden(ids)
        for k, (u, a) in enumerate(b):
            ok += m.logits(h[k, len(u) - 1:len(u) + len(a) - 1]).argmax(-1).tolist() == a
    return ok / len(R)


@torch.no_grad()
def text_nll(m, v, items, bs=64):
    """Mean negative log-likelihood a token of the contexts alone (plain text)."""
    m.eval(); dev = next(m.parameters()).device; tot = n = 0
    for j in range(0, len(items), bs):
        ids, ln = pad([[W.USER] + v.tok.encode(it["context"]).ids for it in items[j:j + bs]], dev)
        lp = token_logp(m, ids, None, None); k = torch.arange(lp.shape[1], device=dev)[None] < (ln - 1)[:, None]
        tot -= (lp * k).sum().item(); n += k.sum().item()
    return tot / n


def ask_valid(m, v, items, seed=0):
    """Share of contexts about which the model asks a question that the context answers."""
    ask = v.tok.encode("\n" + "".join(W.ASK)).ids + [W.END, W.ASSISTANT]
    out = generate(m, [[W.USER] + v.tok.encode(it["context"]).ids + ask for it in items], max_new=10, temp=.7, top_p=.9, seed=seed); ok = 0
    for it, q in zip(items, out):
        x = re.fullmatch(r"What did (\w+)'s (\w+) do\?", v.tok.decode([t for t in q if t != W.END], skip_special_tokens=False))
        ok += bool(x) and re.search(rf"\b{x.group(1)}'s {x.group(2)} \w+\.", it["context"]) is not None
    return ok / len(items)


def evaluate(m, v, sets, extra=True):
    e = {k: round(exact(m, v, x), 4) for k, x in sets.items()}
    if extra:
        e.update(ask=round(ask_valid(m, v, sets["short"][:256]), 4), nll_short=round(text_nll(m, v, sets["short"]), 4), nll_long=round(text_nll(m, v, sets["long"][:256]), 4))
    return e


RECIPES = {  # every method reads the same self-generated pairs for the same number of epochs
    "longpo": dict(method="longpo", lr=2e-4, nll="mix", lam=.01, beta=.1),            # the demo's recipe: NLL of the answers + 0.1 x NLL of the whole sequence
    "longpo_whole": dict(method="longpo", lr=2e-4, nll="all", lam=.01, beta=.1),      # the paper's form: NLL of the whole sequence
    "longpo_answers": dict(method="longpo", lr=2e-4, nll="answers", lam=.01, beta=.1),
    "sft": dict(method="sft", lr=2e-4, nll="answers"),
    "sft_mix": dict(method="sft", lr=2e-4, nll="mix"),
    "dpo": dict(method="dpo", lr=2e-5, nll="none", lam=1., beta=.1),                  # reference on the long input, no NLL
    "dpo_nll": dict(method="dpo", lr=2e-4, nll="all", lam=.01, beta=.1),
}


def main():
    p = argparse.ArgumentParser(); p.add_argument("--base", default=os.path.join(HERE, "..", "base-model")); p.add_argument("--documents", default=os.path.join(HERE, "..", "documents"))
    p.add_argument("--recipes", default="longpo"); p.add_argument("--seeds", default="0"); p.add_argument("--epochs", type=float, default=2); p.add_argument("--batch", type=int, default=8)
    p.add_argument("--set", action="append", default=[], help="override, such as lr=1e-4 or lora=8"); p.add_argument("--threads", type=int, default=2)
    p.add_argument("--limit", type=int, default=0); p.add_argument("--turns", type=int, default=4); p.add_argument("--out"); p.add_argument("--save", help="write the last trained model here"); p.add_argument("--no-base", action="store_true"); a = p.parse_args()
    torch.set_num_threads(a.threads); v = W.Vocab(a.base); m = load(a.base); ev = os.path.join(a.documents, "eval")
    sets = {k: rows(os.path.join(ev, k + ".jsonl")) for k in ("short", "long", "closed")}
    def say(**k):
        print(json.dumps(k), flush=True)
        if a.out:
            open(a.out, "a").write(json.dumps(k) + "\n")
    if not a.no_base:
        t = time.time(); say(run="base", **evaluate(m, v, sets), eval_seconds=round(time.time() - t, 1))
    d = os.path.join(a.documents, "train"); texts = [open(os.path.join(d, f), encoding="utf-8").read().strip() for f in sorted(os.listdir(d))]
    texts = texts[:a.limit] if a.limit else texts
    over = {k: (x if k in ("nll", "method") else int(x) if k == "lora" else float(x)) for k, x in (s.split("=") for s in a.set)}
    for seed in map(int, a.seeds.split(",")):
        t = time.time(); data, stat = build(m, v, texts, seed=seed, turns=a.turns); say(run="data", seed=seed, **stat, seconds=round(time.time() - t, 1))
        for name in a.recipes.split(","):
            kw = {**RECIPES[name], **over}; t = time.time(); x, info = train(m, data, bs=a.batch, epochs=a.epochs, seed=seed, **kw)
            t1 = time.time() - t; say(run=name, seed=seed, **evaluate(x, v, sets), **{**kw, **info, "train_seconds": round(t1, 1)})
            if a.save:
                save(merge_lora(x), a.save)


if __name__ == "__main__":
    main()
