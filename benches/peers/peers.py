"""This index beside others: same vectors, same queries, same run, one thread.

    python -m venv venv && venv/bin/pip install -r benches/peers/requirements.txt
    cargo build --release -p memory-benches --bin dense-peer
    venv/bin/python benches/peers/peers.py --ours target/release/dense-peer \\
        [--n 10000 100000] [--json FILE]

The vectors are clustered unit vectors from a fixed seed, or with `--kept FILE` those that the
quality harness keeps (`quality --vectors FILE`), filled up by mixtures of two. Each peer answers
all queries of a round one by one; rounds alternate between peers, so that other load of the machine
meets all of them. Recall@10 is against a brute force in float64; a vector as near as the tenth
counts as found. Times of the peers contain the call from Python, some microseconds. Exits with 1
when a target is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import time

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402  (after the number of threads is set)

K = 10
DIMENSION = 384

# How many candidates a graph keeps while it searches: from fast to as exact as ours.
EXPANSIONS = (64, 256, 1024)

# Peer, size, factor by which ours is to be faster at the median.
TARGETS = [
    ("faiss flat", 10_000, 10.0),
    ("faiss flat", 100_000, 6.0),
    ("sqlite-vec", 100_000, 30.0),
]


def unit(vectors):
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-30), dtype=np.float32)


def synthetic(rng, n, n_queries):
    """Draws from 3,000 clusters of falling size and width, in a space whose directions differ in
    weight: distances from the best to the thousandth are about those of sentence embeddings."""
    spectrum = (1.0 + np.arange(DIMENSION)) ** -0.45
    turn = np.linalg.qr(rng.standard_normal((DIMENSION, DIMENSION)))[0].astype(np.float32)

    def draw(m):
        return unit((rng.standard_normal((m, DIMENSION)) * spectrum) @ turn)

    centres, mean = draw(3000), draw(1)

    def sample(m):
        centre = centres[rng.zipf(1.3, size=m) % len(centres)]
        width = rng.uniform(0.45, 1.0, size=(m, 1)).astype(np.float32)
        return unit(centre * 0.8 + width * draw(m) + 0.25 * mean)

    return sample(n), sample(n_queries)


def kept(rng, path, n, n_queries):
    """Real vectors; where there are fewer than `n`, mixtures of two of them with a little noise."""
    entry = np.dtype([("key", "<u8"), ("vector", "<f4", DIMENSION)])
    real = np.unique(unit(np.fromfile(path, dtype=entry)["vector"]), axis=0)
    real = real[rng.permutation(len(real))]
    queries, rows = real[:n_queries], real[n_queries:][:n]
    while len(rows) < n:
        more = min(n - len(rows), 20_000)
        left, right = (real[rng.integers(n_queries, len(real), more)] for _ in range(2))
        share = rng.uniform(0.1, 0.35, size=(more, 1))
        noise = 0.012 * rng.standard_normal((more, DIMENSION))
        rows = np.concatenate([rows, unit((1 - share) * left + share * right + noise)])
    return rows, queries


def tenth_best(rows, queries):
    """The k-th best inner product of each query in float64."""
    wide, worst = queries.astype(np.float64), np.full((len(queries), K), -np.inf)
    for at in range(0, len(rows), 20_000):
        scores = wide @ rows[at : at + 20_000].astype(np.float64).T
        both = np.concatenate([worst, scores], axis=1)
        worst = -np.partition(-both, K - 1, axis=1)[:, :K]
    return worst.min(axis=1)


def recall(rows, queries, ids, floor):
    """Share of the answers that are as near as the tenth best, ids without repeats."""
    found = 0
    for query, answer, least in zip(queries, ids, floor):
        answer = np.unique(np.asarray(answer, dtype=np.int64))
        scores = rows[answer].astype(np.float64) @ query.astype(np.float64)
        # The scores of the peers are single precision: a tie within its rounding is a tie.
        found += min(K, int((scores >= least - 1e-6).sum()))
    return found / (K * len(queries))


class Ours:
    """The index of this repository in a process of its own."""

    def __init__(self, program, path):
        self.process = subprocess.Popen(
            [program, path, "--k", str(K)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        head = json.loads(self.process.stdout.readline())
        self.build_s, self.kernels = head["build_s"], head["kernels"]

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["ids"], [ns / 1e3 for ns in answer["latencies_ns"]]


def timed(search, queries):
    """One round of a peer in this process: the ids, and microseconds of each query."""
    ids, latencies_us = [], []
    for query in queries:
        begin = time.perf_counter_ns()
        found = search(query)
        latencies_us.append((time.perf_counter_ns() - begin) / 1e3)
        ids.append(found)
    return ids, latencies_us


def peers(rows, built):
    """Search functions by name; a peer is built when it is asked for."""
    n = len(rows)

    def build(name, function):
        begin = time.process_time()
        made = function()
        built[name] = time.process_time() - begin
        return made

    import faiss

    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(DIMENSION)
    build("faiss flat", lambda: flat.add(rows))
    yield "faiss flat", lambda q: flat.search(q[None], K)[1][0]

    import usearch.index as us

    yield "usearch exact", lambda q: us.search(rows, q, K, "ip", exact=True, threads=1).keys

    import apsw
    import sqlite_vec

    database = apsw.Connection(":memory:")
    database.enable_load_extension(True)
    database.load_extension(sqlite_vec.loadable_path())
    column = f"e float[{DIMENSION}] distance_metric=cosine"
    database.execute(f"create virtual table v using vec0({column})")
    insert = "insert into v(rowid, e) values (?, ?)"
    with database:
        pairs = ((i, row.tobytes()) for i, row in enumerate(rows))
        build("sqlite-vec", lambda: database.executemany(insert, pairs))
    find = "select rowid from v where e match ? and k = ?"
    yield "sqlite-vec", lambda q: [row[0] for row in database.execute(find, (q.tobytes(), K))]

    import hnswlib

    graph = hnswlib.Index("ip", DIMENSION)
    graph.init_index(n, ef_construction=100, M=16)
    build("hnswlib", lambda: graph.add_items(rows, num_threads=1))
    for ef in EXPANSIONS:

        def by_graph(q, ef=ef):
            graph.set_ef(ef)
            return graph.knn_query(q, K, num_threads=1)[0][0]

        yield f"hnswlib ef {ef}", by_graph

    for ef in EXPANSIONS:
        index = us.Index(
            ndim=DIMENSION, metric="ip", dtype="f32", connectivity=16, expansion_add=100,
            expansion_search=ef,
        )
        if ef == EXPANSIONS[0]:
            keys = np.arange(n, dtype=np.uint64)
            build("usearch", lambda: index.add(keys, rows, threads=1))
            stored = index.save()
        else:
            index.load(stored)
            index.expansion_search = ef
        yield f"usearch ef {ef}", lambda q, index=index: index.search(q, K, threads=1).keys


def measure(arguments, n, rng):
    if arguments.kept:
        rows, queries = kept(rng, arguments.kept, n, arguments.queries)
    else:
        rows, queries = synthetic(rng, n, arguments.queries)
    path = os.path.join(arguments.work, f"vectors-{n}.bin")
    with open(path, "wb") as file:
        np.array([n, len(queries), DIMENSION], dtype="<u4").tofile(file)
        rows.astype("<f4").tofile(file)
        queries.astype("<f4").tofile(file)
    floor = tenth_best(rows, queries)
    built = {}
    ours = Ours(arguments.ours, path)
    built["ours"] = ours.build_s
    rounds = {"ours exact": ours.round}
    for name, search in peers(rows, built):
        if not arguments.only or any(name.startswith(only) for only in arguments.only):
            rounds[name] = lambda search=search: timed(search, queries)
    latencies = {name: [] for name in rounds}
    found = {}
    end = time.time() + arguments.seconds
    while not found or time.time() < end:
        for name in rng.permutation(list(rounds)):
            ids, latencies_us = rounds[name]()
            found.setdefault(name, recall(rows, queries, ids, floor))
            latencies[name].append(latencies_us)
    ours.process.stdin.close()
    ours.process.wait()
    os.remove(path)
    figures = []
    for name, lists in latencies.items():
        all_us = np.concatenate(lists)
        figures.append({
            "peer": name, "n": n, "recall_at_10": found[name], "min_us": float(all_us.min()),
            "p50_us": float(np.median(all_us)), "p99_us": float(np.percentile(all_us, 99)),
            # Of each query the fastest of all rounds: what it takes when nothing disturbs it.
            "quiet_p50_us": float(np.median(np.min(np.array(lists), axis=0))),
            "n_timed": len(all_us),
            "build_cpu_s": next((s for key, s in built.items() if name.startswith(key)), 0.0),
        })
    return ours.kernels, figures


def verdicts(figures):
    """Compares the figures with the targets; yields (sentence, reached)."""
    by = {(figure["peer"], figure["n"]): figure for figure in figures}
    for peer, n, factor in TARGETS:
        mine, rival = by.get(("ours exact", n)), by.get((peer, n))
        if mine is None or rival is None:
            continue
        p50, quiet = (rival[key] / mine[key] for key in ("p50_us", "quiet_p50_us"))
        line = (
            f"{n}: ours ({mine['recall_at_10']:.4f}) is {p50:.1f} times as fast as {peer} "
            f"({rival['recall_at_10']:.4f}) at the median, {quiet:.1f} undisturbed; "
            f"wanted {factor:g}"
        )
        yield line, p50 >= factor
    for (name, n), figure in by.items():
        if name == "ours exact":
            found = figure["recall_at_10"]
            yield f"{n}: {name} finds {found:.4f}; wanted 1", found == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default="target/release/dense-peer", metavar="PROGRAM")
    parser.add_argument("--n", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0, help="of rounds, for each size")
    parser.add_argument("--kept", metavar="FILE", help="vectors kept by `quality --vectors FILE`")
    parser.add_argument("--only", nargs="*", metavar="PEER")
    parser.add_argument("--work", default=".", metavar="DIR", help="for the file of vectors")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    figures, kernels = [], ""
    for n in arguments.n:
        kernels, measured = measure(arguments, n, np.random.default_rng(7))
        figures += measured
        print(f"\n{n} x {DIMENSION}, top {K}, one thread, {kernels}, build in CPU seconds")
        print(
            f"{'':16}{'recall@10':>10}{'min us':>10}{'p50 us':>10}{'p99 us':>10}"
            f"{'undisturbed':>13}{'build':>9}"
        )
        for f in measured:
            print(
                f"{f['peer']:16}{f['recall_at_10']:10.4f}{f['min_us']:10.0f}{f['p50_us']:10.0f}"
                f"{f['p99_us']:10.0f}{f['quiet_p50_us']:13.0f}{f['build_cpu_s']:9.1f}",
                flush=True,
            )
    outcome = list(verdicts(figures))
    print()
    for line, reached in outcome:
        print(("ok      " if reached else "MISSED  ") + line)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"kind": "peers", "kernels": kernels, "figures": figures}, file, indent=1)
    return 0 if all(reached for _, reached in outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
