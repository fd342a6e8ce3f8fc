"""Own predictions beside statsforecast, ruptures and scikit-learn: same series, same run, one thread.

    python -m venv venv && venv/bin/pip install -r benches/peers/requirements-prediction.txt
    cargo build --release -p memory-benches --bin prediction-peer
    venv/bin/python benches/peers/prediction.py --data DIR [--every 3] [--json FILE]

DIR holds `m3.series.jsonl.gz` and `tcpd.series.jsonl.gz`; points for clusters and series with moved
points are drawn from a fixed seed. Times are CPU times of one thread: of a peer those of its call
from Python after a first one that compiles, of ours those that its process tells. Exits with 1 when
a target is missed.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
import warnings

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402  (after the number of threads is set)
import ruptures  # noqa: E402
from peers import commit  # noqa: E402
from sklearn.cluster import DBSCAN  # noqa: E402
from sklearn.ensemble import IsolationForest  # noqa: E402
from statsforecast.models import AutoETS, AutoTheta  # noqa: E402

PERIODS = {"QUARTERLY": 4, "MONTHLY": 12}
LEVEL = 80
MARGIN = 5


class Ours:
    """The methods of this repository in a process of its own."""

    def __init__(self, program):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([program], **pipes)

    def ask(self, what, **question):
        self.process.stdin.write(json.dumps({"what": what, **question}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["answer"], answer["us"] / 1e3

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(function):
    begin = time.process_time()
    found = function()
    return found, (time.process_time() - begin) * 1e3


def lines(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


class Sums:
    """Means by method, in the order in which methods come first."""

    def __init__(self):
        self.values = {}

    def add(self, method, ms, **figures):
        self.values.setdefault(method, []).append({"ms": ms, **figures})

    def rows(self):
        for method, values in self.values.items():
            means = {key: float(np.mean([v[key] for v in values])) for key in values[0]}
            yield {"method": method, "n": len(values), **means}


def forecast_errors(line, points, lower, upper):
    train, test = np.array(line["train"]), np.array(line["test"])
    points, period = np.array(points), PERIODS.get(line["period"], 1)
    scale = np.mean(np.abs(train[period:] - train[:-period]))
    smape = np.mean(200 * np.abs(test - points) / (np.abs(test) + np.abs(points)))
    covers = np.mean((np.array(lower) <= test) & (test <= np.array(upper)))
    return {"smape": smape, "mase": np.mean(np.abs(test - points)) / scale, "covers": covers}


def forecasts(ours, path, every):
    """M3: AutoETS with seasons, and AutoTheta, beside ours."""
    sums = Sums()
    for line in lines(path)[::every]:
        horizon, period = len(line["test"]), PERIODS.get(line["period"], 1)
        values = line["train"]
        question = {"values": values, "period": period, "horizon": horizon, "level": LEVEL / 100}
        found, ms = ours.ask("forecast", **question)
        errors = forecast_errors(line, found["points"], found["lower"], found["upper"])
        sums.add("ours", ms, **errors)
        series = np.array(values)
        for name, model in (("AutoETS", AutoETS), ("AutoTheta", AutoTheta)):
            call = lambda m=model: m(season_length=period).forecast(series, horizon, level=[LEVEL])
            if name not in sums.values:
                call()
            found, ms = timed(call)
            bounds = found[f"lo-{LEVEL}"], found[f"hi-{LEVEL}"]
            sums.add("statsforecast " + name, ms, **forecast_errors(line, found["mean"], *bounds))
    return list(sums.rows())


def f1(line, found):
    """F1 of van den Burg and Williams: the first point counts as a change."""

    def matched(wanted, found):
        left = list(found)
        n = 0
        for point in wanted:
            near = [x for x in left if abs(x - point) <= MARGIN]
            if near:
                left.remove(min(near, key=lambda x: abs(x - point)))
                n += 1
        return n

    sets = [sorted({0, *points}) for points in line["annotators"].values()]
    found = sorted({0, *found})
    precision = matched(sorted(set().union(*sets)), found) / len(found)
    recall = np.mean([matched(points, found) / len(points) for points in sets])
    return 2 * precision * recall / (precision + recall)


def change_points(ours, path):
    """TCPD: PELT with the same cost and penalty, and the share of series with the same breaks."""
    sums = Sums()
    for line in lines(path):
        if line["dim"] != 1:
            continue
        values = np.array(line["values"])
        found, ms = ours.ask("change_points", values=line["values"])
        deviation = values.std()
        scaled = (values - values.mean()) / (deviation if deviation > 0 else 1)

        def pelt(scaled=scaled):
            model = ruptures.Pelt(model="l2", min_size=2, jump=1).fit(scaled)
            return model.predict(pen=3 * np.log(len(scaled)))[:-1]

        theirs, their_ms = timed(pelt)
        same = float(found == theirs)
        sums.add("ours", ms, f1=f1(line, found), same=same)
        sums.add("ruptures Pelt l2", their_ms, f1=f1(line, theirs), same=same)
    return list(sums.rows())


def clusters(ours, rng, rounds):
    """DBSCAN of points like those of episodes: dense groups, and some far from all."""
    sums = Sums()
    for _ in range(rounds):
        groups = [rng.normal(m, s, (n, 4)) for m, s, n in ((0, 0.6, 1200), (3, 0.5, 700))]
        points = np.concatenate([*groups, rng.uniform(-4, 8, (100, 4))])
        points = points[rng.permutation(len(points))]
        for radius, least in ((1.5, 4), (0.8, 4)):
            question = {"points": points.tolist(), "radius": radius, "min_points": least}
            found, ms = ours.ask("clusters", **question)
            theirs, their_ms = timed(lambda: DBSCAN(eps=radius, min_samples=least).fit(points))
            same = float([-1 if x is None else x for x in found] == theirs.labels_.tolist())
            sums.add("ours", ms, same=same)
            sums.add("scikit-learn DBSCAN", their_ms, same=same)
    return list(sums.rows())


def shape(kind, rng):
    """Series of 60 points, three of which were moved by six to nine deviations."""
    spots = [20 * k + 2 + int(rng.integers(16)) for k in range(3)]
    off = rng.normal(size=60)
    off[spots] += 6 + 3 * rng.random(3)
    t = np.arange(60)
    level = {"normal": 100 + 10 * off, "log-normal": np.exp(4 + 0.5 * off)}
    return spots, level.get(kind, (100 + 4 * t) * np.exp(0.05 * off))


def anomalies(ours, rng, rounds):
    """Moved points: what ours tells, and what the two of scikit-learn would."""
    sums = Sums()
    for kind in ("normal", "log-normal", "drift"):
        counts = {}
        for _ in range(rounds):
            spots, values = shape(kind, rng)
            column = values.reshape(-1, 1)

            def dbscan():
                fitted = DBSCAN(eps=0.5 * column.std(), min_samples=3).fit(column)
                return np.flatnonzero(fitted.labels_ < 0).tolist()

            def forest():
                fitted = IsolationForest(contamination=0.05, random_state=7).fit(column)
                return np.flatnonzero(fitted.predict(column) < 0).tolist()

            told = {"ours": ours.ask("anomalies", values=values.tolist(), threshold=4.0)}
            told["scikit-learn DBSCAN"] = timed(dbscan)
            told["scikit-learn IsolationForest"] = timed(forest)
            for name, (found, ms) in told.items():
                sum_of = counts.setdefault(name, [0, 0, 0.0])
                sum_of[0] += len(set(found) & set(spots))
                sum_of[1] += len(found) + len(spots)
                sum_of[2] += ms
        for name, (hits, n_both, ms) in counts.items():
            sums.add(f"{name}, {kind}", ms / rounds, f1=2 * hits / n_both)
    return list(sums.rows())


def verdicts(parts):
    """Compares with the targets; yields (sentence, reached)."""
    of = lambda part, name: next(row for row in parts[part] if row["method"] == name)
    ours, ets = of("forecasts", "ours"), of("forecasts", "statsforecast AutoETS")
    ratio = ets["ms"] / ours["ms"]
    yield f"forecasts: {ratio:.1f} times as fast as AutoETS; wanted 10", ratio >= 10
    for key in ("smape", "mase"):
        error = ours[key] / ets[key]
        yield f"forecasts: {key} is {error:.3f} of AutoETS'; wanted 1 or less", error <= 1
    for part, name in (("change points", "ruptures Pelt l2"), ("clusters", "scikit-learn DBSCAN")):
        ours, theirs = of(part, "ours"), of(part, name)
        ratio, same = theirs["ms"] / ours["ms"], ours["same"]
        yield f"{part}: same as {name} in {same:.3f}; wanted 1 ({ratio:.0f} times as fast)", same == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default="target/release/prediction-peer", metavar="PROGRAM")
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--every", type=int, default=1, help="each so many series of M3")
    parser.add_argument("--rounds", type=int, default=100, help="of what is drawn")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    ours, rng = Ours(arguments.ours), np.random.default_rng(7)
    m3, tcpd = (os.path.join(arguments.data, f"{s}.series.jsonl.gz") for s in ("m3", "tcpd"))
    parts = {
        "forecasts": forecasts(ours, m3, arguments.every),
        "change points": change_points(ours, tcpd),
        "clusters": clusters(ours, rng, max(1, arguments.rounds // 20)),
        "anomalies": anomalies(ours, rng, arguments.rounds),
    }
    ours.close()
    for title, rows in parts.items():
        keys = [key for key in rows[0] if key not in ("method", "n")]
        print(f"\n{title + ', CPU ms of one':42}{'n':>6}" + "".join(f"{key:>10}" for key in keys))
        for row in rows:
            figures = "".join(f"{row[key]:10.3f}" for key in keys)
            print(f"{row['method']:42}{row['n']:6}{figures}")
    outcome = list(verdicts(parts))
    print()
    for line, reached in outcome:
        print(("ok      " if reached else "MISSED  ") + line)
    if arguments.json:
        with open(arguments.json, "w") as file:
            report = {"kind": "prediction peers", "provenance": {"commit": commit()}}
            json.dump({**report, "figures": parts}, file, indent=1)
    return 0 if all(reached for _, reached in outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
