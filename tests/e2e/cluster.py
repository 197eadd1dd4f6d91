#!/usr/bin/env python3
"""The cluster as an operator runs it: devnet, manager and worker as processes, sectors from pledge to Proving with real
proofs on the embedded chain.

    tests/e2e/cluster.py run SELKIE              two sectors, one of a file's data; a second run goes on
    tests/e2e/cluster.py kill SELKIE [SEED [KILLS [SECTORS]]]
                                                 kill -9 of manager, worker, processors and devnet at random moments

Makes the 2KiB parameters in FIL_PROOFS_PARAMETER_CACHE where they are missing.
"""

import collections
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time


def fail(text):
    sys.exit("cluster.py: " + text)


def check(what, found, expected):
    if found != expected:
        fail(f"{what}: {found!r}, expected {expected!r}")
    print(f"ok: {what}: {found!r}", flush=True)


def write_toml(path, settings):
    """Settings as a file in TOML; texts, numbers and lists are written as in JSON."""

    def text(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {text(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        return json.dumps(value)

    with open(path, "w") as file:
        file.write("".join(f"{key} = {text(value)}\n" for key, value in settings.items()))


class Selkie:
    """The program, always with one repo."""

    def __init__(self, program, repo):
        self.program, self.repo = program, repo

    def command(self, *words):
        out = subprocess.run([self.program, *words, "--repo", self.repo, "--json"], capture_output=True, text=True)
        if out.returncode:
            raise RuntimeError(f"{' '.join(words)}: {out.stderr.strip()}")
        return json.loads(out.stdout)

    def start(self, *words, log):
        return subprocess.Popen([self.program, "run", "--repo", self.repo, "--json", *words], stdout=subprocess.PIPE,
                                stderr=open(log, "a"), text=True)

    def log_of(self, role):
        with open(os.path.join(self.repo, "log", role + ".log"), errors="replace") as file:
            return file.read()


class Node:
    """The API of the development network, or of a manager, by the files in its folder."""

    def __init__(self, folder, path="/rpc/v1", token=None):
        self.path, self.token = path, token
        if token is None:
            with open(os.path.join(folder, "token")) as file:
                self.token = file.read().strip()
        with open(os.path.join(folder, "api")) as file:
            self.port = int(file.read().split("/")[4])

    def ask(self, method, *params):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        connection.request("POST", self.path, body, {"Authorization": "Bearer " + self.token})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]


def show_logs(selkie, lines=40):
    for role in ("devnet", "manager", "worker"):
        try:
            print(f"--- {role}", *selkie.log_of(role).splitlines()[-lines:], sep="\n", flush=True)
        except OSError:
            pass


def wait(process, seconds, selkie):
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        show_logs(selkie)
        for row in selkie.command("sectors", "list"):
            print(row)
        process.terminate()
        fail(f"not done after {seconds} s")
    if process.returncode:
        show_logs(selkie)
        fail(f"selkie run ended with status {process.returncode}")
    return json.loads(out)


def children(pid):
    """Processes below one, with their command lines."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            found[int(entry)] = (parent, words)
    below, changed = {pid}, True
    while changed:
        changed = False
        for child, (parent, _) in found.items():
            if parent in below and child not in below:
                below.add(child)
                changed = True
    return {child: found[child][1] for child in below if child != pid}


def role_of(words):
    return words[1] if len(words) > 1 else ""


def check_chain(selkie, numbers):
    """What the chain says, from a development network of its own on the repo's state."""
    process = subprocess.Popen([selkie.program, "devnet", "run", "--repo", selkie.repo, "--listen", "127.0.0.1:0",
                                "--paused"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        process.stdout.readline()
        node = Node(os.path.join(selkie.repo, "devnet"))
        miner = node.ask("Filecoin.StateListMiners", None)[-1]
        sectors = node.ask("Filecoin.StateMinerSectors", miner, None, None)
        check("sectors on chain", sorted(s["SectorNumber"] for s in sectors), numbers)
        state = node.ask("Filecoin.StateReadState", miner, None)["State"]
        check("deposits that stay locked", state["PreCommitDeposits"], "0")
        check("pledge", int(state["InitialPledge"]), sum(int(s["InitialPledge"]) for s in sectors))
        check("fee debt", state["FeeDebt"], "0")
        # Every message of the miner's life that landed, by what it did.
        calls = collections.Counter()
        for cid in node.ask("Filecoin.StateListMessages", {"To": miner, "From": None}, None, 0) or []:
            message = node.ask("Filecoin.ChainGetMessage", cid)
            calls[(message["Method"], message["Params"])] += 1
            receipt = node.ask("Filecoin.StateSearchMsg", None, cid, -1, True)["Receipt"]
            if receipt["ExitCode"]:  # a second pre-commit or proof of a sector would fail
                fail(f"message {cid['/']} of method {message['Method']} has exit code {receipt['ExitCode']}")
        sent = [call for call, count in calls.items() if count > 1]
        check("messages sent twice", sent, [])
        return miner, calls
    finally:
        process.terminate()
        process.wait()


def run(program):
    with tempfile.TemporaryDirectory(prefix="selkie-cluster-") as folder:
        selkie = Selkie(program, os.path.join(folder, "repo"))
        piece = os.path.join(folder, "piece")
        with open(piece, "wb") as file:
            file.write(random.Random(5).randbytes(700))
        done = wait(selkie.start("--pledge", "1", "--piece", piece, "--until", "proving", log="/dev/stderr"), 600, selkie)
        print(done["summary"])
        numbers = sorted(s["sector"] for s in done["sectors"])
        check("states", [s["state"] for s in done["sectors"]], ["Proving", "Proving"])
        check_chain(selkie, numbers)
        # The next run goes on from there: the old ones stay, a new one gets the next number.
        again = wait(selkie.start("--pledge", "1", "--until", "proving", log="/dev/stderr"), 600, selkie)
        check("the next sector's number", [s["sector"] for s in again["sectors"]], [max(numbers) + 1])


def kill(program, seed="1", kills="300", sectors="20"):
    rng, kills, sectors = random.Random(int(seed)), int(kills), int(sectors)
    with tempfile.TemporaryDirectory(prefix="selkie-kill-") as folder:
        selkie = Selkie(program, os.path.join(folder, "repo"))
        log = os.path.join(folder, "run.log")
        process = selkie.start("--pledge", str(sectors), "--until", "proving", "--block-time", "1s", log=log)
        counts = collections.Counter()
        began = time.time()
        while process.poll() is None and sum(counts.values()) < kills:
            time.sleep(rng.choice([0.2, 1, 2, 4, 8, 20]))
            targets = collections.defaultdict(list)
            for pid, words in children(process.pid).items():
                if role_of(words) in ("manager", "worker", "processor", "devnet"):
                    targets[role_of(words)].append(pid)
            if not targets or "worker" not in targets:
                continue
            role = rng.choice(sorted(targets))
            pid = rng.choice(sorted(targets[role]))
            try:
                os.kill(pid, signal.SIGKILL)
                counts[role] += 1
            except ProcessLookupError:
                pass
        print(f"seed {seed}: {sum(counts.values())} kills in {time.time() - began:.0f} s: {dict(counts)}", flush=True)
        done = wait(process, 3600, selkie)
        print(done["summary"])
        numbers = sorted(s["sector"] for s in done["sectors"])
        check("all are Proving", {s["state"] for s in done["sectors"]}, {"Proving"})
        check("numbers without gaps", numbers, list(range(numbers[0], numbers[0] + sectors)))
        check_chain(selkie, numbers)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("run", "kill"):
        sys.exit(__doc__)
    {"run": run, "kill": kill}[sys.argv[1]](*sys.argv[2:])
