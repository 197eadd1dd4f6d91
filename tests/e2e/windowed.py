#!/usr/bin/env python3
"""Window proofs as an operator sees them: devnet with a scaled proving period, manager and worker as processes.

    tests/e2e/windowed.py SELKIE

Two sectors are pledged and proven in their deadline (`selkie run --until windowed`), and in the next one by a second run
(a third sector is added when they came into two partitions: it joins one of them).
Then the replica of one is taken away: it alone is left out and becomes faulty, the other stays proven. When it is back,
not before, it is declared recovered and proven again. At last the manager is killed in the middle of a deadline, which is
not missed.

Makes the 2KiB parameters in FIL_PROOFS_PARAMETER_CACHE where they are missing. About seven minutes.
"""

import os
import signal
import sys
import tempfile
import time

from cluster import Node, Selkie, check, children, fail, role_of, show_logs, wait

PERIOD_S = 40  # 4 windows of 20 epochs of 500 ms
PATIENCE_S = 6 * PERIOD_S


class Watch:
    """What the chain says of the one miner."""

    def __init__(self, selkie):
        self.selkie = selkie
        self.node = Node(os.path.join(selkie.repo, "devnet"))
        self.miner = self.node.ask("Filecoin.StateListMiners", None)[-1]

    def faults(self):
        return bits(self.node.ask("Filecoin.StateMinerFaults", self.miner, None))

    def deadline(self):
        return self.node.ask("Filecoin.StateMinerProvingDeadline", self.miner, None)

    def place(self, number):
        return self.node.ask("Filecoin.StateSectorPartition", self.miner, number, None)

    def partition(self, place):
        return self.node.ask("Filecoin.StateMinerPartitions", self.miner, place["Deadline"], None)[place["Partition"]]

    def power(self):
        return int(self.node.ask("Filecoin.StateMinerPower", self.miner, None)["MinerPower"]["RawBytePower"])

    def until(self, what, holds):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if holds():
                print("ok:", what, flush=True)
                return
            time.sleep(0.3)
        show_logs(self.selkie)
        fail(f"{what}: not after {PATIENCE_S} s")

    def closes(self, place):
        """A whole window of this deadline passes from now on."""
        self.until(f"deadline {place['Deadline']} is not open", lambda: self.deadline()["Index"] != place["Deadline"])
        self.until(f"deadline {place['Deadline']} is open", lambda: self.deadline()["Index"] == place["Deadline"])
        self.until(f"deadline {place['Deadline']} has closed", lambda: self.deadline()["Index"] != place["Deadline"])


def bits(runs):
    found, at = [], 0
    for i, length in enumerate(runs or []):
        if i % 2:
            found.extend(range(at, at + length))
        at += length
    return found


def check_commands(selkie, place, cnt):
    info = selkie.command("proving", "info")
    check("sectors of proving info", (info["sectors"], info["faults"], info["proven_here"]), (cnt, 0, True))
    rows = selkie.command("proving", "deadlines")
    check("sectors of proving deadlines", sum(row["sectors"] for row in rows), cnt)
    check("deadlines", len(rows), 4)
    deadline = selkie.command("proving", "deadline", str(place["Deadline"]))
    partition = deadline["partitions"][place["Partition"]]
    check("partition of proving deadline", (partition["live"], partition["faulty"], partition["skipped"]), (2, 0, []))
    check("proving faults", selkie.command("proving", "faults"), [])


def full_partition(watch, numbers):
    """Two sectors in one partition, and its place."""
    for a in numbers:
        for b in numbers:
            if a < b and watch.place(a) == watch.place(b):
                return [a, b], watch.place(a)
    return None, None


def full_or_one_more(selkie, watch):
    def numbers():
        return [row["sector"] for row in selkie.command("sectors", "list") if row["state"] == "Proving"]

    if not full_partition(watch, numbers())[0]:
        selkie.command("sectors", "pledge")
        watch.until("a third sector is Proving", lambda: len(numbers()) == 3)
        watch.until("it has power", lambda: watch.power() == 3 * 2048)
    return (*full_partition(watch, numbers()), len(numbers()))


def lose_and_find(selkie, watch, numbers, place, cnt):
    lost, kept = numbers[1], numbers[0]
    name = f"s-{watch.miner}-{lost}"
    path, away = os.path.join(selkie.repo, "storage", "sealed", name), os.path.join(selkie.repo, "away")
    # Not while its proof is being made: a file that goes then was there.
    watch.until("its deadline is not the present or the next one",
                lambda: (place["Deadline"] - watch.deadline()["Index"]) % 4 == 2)
    os.rename(path, away)
    watch.until("the one without its replica is faulty", lambda: watch.faults() == [lost])
    check("power of the others", watch.power(), 2048 * (cnt - 1))
    partition = [row for row in selkie.command("proving", "partitions") if row["skipped"]][0]
    check("left out", [row["sector"] for row in partition["skipped"]], [lost])
    check("why", name in partition["skipped"][0]["why"], True)
    check("proven without it", partition["proven_sectors"], 1)
    check("proving faults", [row["sector"] for row in selkie.command("proving", "faults")], [lost])
    watch.closes(place)
    check("not declared recovered without it", "are declared recovered" in selkie.log_of("manager"), False)
    check("said why", "not to be declared recovered" in selkie.log_of("manager"), True)
    check("faulty still", watch.faults(), [lost])
    os.rename(away, path)
    watch.until("recovered", lambda: watch.faults() == [])
    check("power of all", watch.power(), 2048 * cnt)
    check("the other one was never faulty", f"-{kept}: left out" in selkie.log_of("manager"), False)


def kill_manager(watch, run, place, cnt):
    watch.until("its deadline opens", lambda: watch.deadline()["Index"] == place["Deadline"])
    for pid, words in children(run.pid).items():
        if role_of(words) == "manager":
            os.kill(pid, signal.SIGKILL)
    watch.closes(place)
    check("faults after kill -9 of the manager", watch.faults(), [])
    check("power", watch.power(), 2048 * cnt)


def go_on(selkie, log):
    run = selkie.start("--block-time", "500ms", log=log)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if selkie.command("proving", "info")["miner"]:
                    break
            except (RuntimeError, ValueError):
                time.sleep(0.5)
        watch = Watch(selkie)
        numbers, place, cnt = full_or_one_more(selkie, watch)
        check_commands(selkie, place, cnt)
        watch.closes(place)
        check("faults after the next deadline", watch.faults(), [])
        check("power", watch.power(), 2048 * cnt)
        lose_and_find(selkie, watch, numbers, place, cnt)
        kill_manager(watch, run, place, cnt)
    finally:
        run.terminate()
        run.wait(60)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        selkie = Selkie(os.path.abspath(sys.argv[1]), folder)
        log = os.path.join(folder, "run.log")
        result = wait(selkie.start("--pledge", "2", "--until", "windowed", "--block-time", "500ms", log=log), 900,
                      selkie)
        print(result["summary"], flush=True)
        check("in a window proof", [row["windowed"] for row in result["sectors"]], [True, True])
        go_on(selkie, log)
    print("all as it must be")


if __name__ == "__main__":
    main()
