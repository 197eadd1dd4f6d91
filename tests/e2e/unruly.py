#!/usr/bin/env python3
"""A processor that does its work by selkie's own, and misbehaves on command.

    tests/e2e/unruly.py SELKIE STAGE FOLDER

FOLDER/STAGE says what becomes of the next tasks, a line each; a line is used up by its task. Without one the task is done.

    refuse TEXT     is answered with this error
    crash           standard error gets a few words, and the process ends with a signal
    hang            no answer comes
    flood           half a MiB of standard error, then the task is done
    slow SECONDS    the task is done later
    hungry GROUP    takes memory in this cgroup until the kernel ends it
    proof HEX       is answered with this proof
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

MEMORY = "/sys/fs/cgroup/memory"


def answer(**members):
    print(json.dumps(members), flush=True)


def crash():
    print("unruly: about to end", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def hungry(group):
    with open(os.path.join(MEMORY, group, "cgroup.procs"), "w") as file:
        file.write(str(os.getpid()))
    taken = []
    while True:
        taken.append(bytearray(os.urandom(1 << 20)))


class Unruly:
    def __init__(self, selkie, stage, folder):
        self.plan = os.path.join(folder, stage)
        self.child = subprocess.Popen([selkie, "processor", stage], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self.forward, daemon=True).start()

    def forward(self):
        for line in self.child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def next_line(self):
        try:
            with open(self.plan) as file:
                lines = file.read().splitlines()
        except OSError:
            return []
        if lines:
            with open(self.plan + ".new", "w") as file:
                file.write("".join(line + "\n" for line in lines[1:]))
            os.rename(self.plan + ".new", self.plan)
        return lines[0].split(" ", 1) if lines else []

    def task(self, line):
        request, what = json.loads(line)["id"], self.next_line()
        word, rest = (what + ["", ""])[:2]
        if word == "refuse":
            return answer(id=request, err_msg=rest, output=None)
        if word == "proof":
            return answer(id=request, err_msg=None, output={"proof": list(bytes.fromhex(rest))})
        if word == "hang":
            return time.sleep(3600)
        if word == "crash":
            crash()
        if word == "hungry":
            hungry(rest)
        if word == "slow":
            time.sleep(float(rest))
        if word == "flood":
            for number in range(8192):
                print(f"unruly: line {number} of many that nobody wants to read", file=sys.stderr)
            sys.stderr.flush()
        self.child.stdin.write(line)
        self.child.stdin.flush()

    def run(self):
        for line in sys.stdin.buffer:
            self.task(line)
        self.child.stdin.close()
        self.child.wait()


def end(*_):
    os._exit(0)  # the child hears of it from its standard input


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, end)
    Unruly(*sys.argv[1:]).run()
