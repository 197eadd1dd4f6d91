"""Devnet, manager and workers as processes of one's own each, to be stopped, killed, starved and started again one by
one; and sectors to be looked at on their way."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import cluster

UNRULY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unruly.py")
STAGES = ("pc1", "pc2", "c1", "c2")
HASTY = {"PreCommitBatchWait": '"300ms"', "CommitBatchWait": '"300ms"', "TerminateBatchWait": '"300ms"',
         "PreCommitBatchSlack": '"1s"',
         "CommitBatchSlack": '"1s"', "WaitDealsDelay": '"500ms"', "RetryCooldown": '"500ms"', "BeatInterval": '"300ms"', "LeaseDuration": '"4s"'}
ENDED = ("Proving", "Removed")


class Wrong(Exception):
    """What was expected did not happen."""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def poll(what, seconds, look):
    """The first true answer of look()."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise Wrong(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Worker:
    """One with a repo of its own, or the one beside the manager."""

    def __init__(self, owner, name, repo, **config):
        self.owner, self.name, self.repo, self.process = owner, name, repo, None
        self.folder = os.path.join(repo, "worker")
        self.storage = os.path.join(repo, "storage")
        self.unruly = os.path.join(repo, "unruly")
        os.makedirs(self.folder, exist_ok=True)
        os.makedirs(self.unruly, exist_ok=True)
        self.selkie = cluster.Selkie(owner.selkie.program, repo)
        self.config = {"Name": name, "TrashGraceHours": 1, **config}

    def processors(self, **more):
        """All of them unruly, and what else is to be said of one."""
        program = self.owner.selkie.program
        return {stage: {"Program": sys.executable, "Args": [UNRULY, program, stage, self.unruly], **more.get(stage, {})}
                for stage in STAGES}

    def tell(self, stage, *lines):
        """What its next tasks of this stage come to (unruly.py)."""
        with open(os.path.join(self.unruly, stage), "w") as file:
            file.write("".join(line + "\n" for line in lines))

    def start(self, *before, wait=True, **changes):
        self.config.update(changes)
        cluster.write_toml(os.path.join(self.folder, "config.toml"), self.config)
        if not os.path.exists(os.path.join(self.folder, "storage.json")):
            self.selkie.command("store", "seal-init", "--store", self.storage)
        self.process = self.owner.spawn(self.name, *before, self.selkie.program, "worker", "run", "--repo", self.repo)
        if wait:
            poll(f"worker {self.name} is active", 30, self.active)
        return self

    def active(self):
        return any(row["name"] == self.name and row["state"] == "active" and row["last_seen_seconds"] is not None
                   for row in self.owner.manager("Selkie.Workers")) and self.knows()

    def knows(self):
        try:
            return self.selkie.command("worker", "info")["Connected"]
        except RuntimeError:
            return False

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def file(self, kind, number, *below):
        return os.path.join(self.storage, kind, f"s-t0{self.owner.miner}-{number}", *below)


class Cluster:
    def __init__(self, program, folder, period=None, block="100ms", **config):
        self.folder, self.miner, self.processes, self.expected, self.at_end = folder, None, {}, {}, []
        self.selkie = cluster.Selkie(program, os.path.join(folder, "repo"))
        self.config_path = os.path.join(self.selkie.repo, "manager", "config.toml")
        os.makedirs(self.selkie.repo)
        try:
            self.begin(period, block, config)
        except BaseException:
            for process in self.processes.values():
                process.kill()
            raise

    def begin(self, period, block, config):
        self.start_devnet(period, block)
        made = self.run("manager", "init", "--create", "--size", "2KiB", "--listen", f"127.0.0.1:{free_port()}")
        self.miner = made["miner"]
        self.configure(**{**HASTY, **config})
        self.start_manager()
        self.worker = Worker(self, "first", self.selkie.repo)
        self.worker.start(Processors=self.worker.processors(pc1={"TotalSeconds": 6}))
        print(f"     cluster of miner t0{self.miner} in {self.selkie.repo}", flush=True)

    # Processes.

    def spawn(self, name, *words):
        log = open(os.path.join(self.folder, name + ".log"), "a")
        process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes[name] = process
        return process

    def start_devnet(self, period, block):
        words = ["--proving-period", period] if period else []
        self.spawn("devnet", self.selkie.program, "devnet", "run", "--repo", self.selkie.repo, "--listen",
                   "127.0.0.1:0", "--block-time", block, "--threads", "1", *words)
        folder = os.path.join(self.selkie.repo, "devnet")
        poll("the devnet serves", 20, lambda: os.path.exists(os.path.join(folder, "api")))
        self.node = cluster.Node(folder)
        with open(os.path.join(folder, "api")) as file:
            os.environ["FULLNODE_API_INFO"] = f"{self.node.token}:{file.read().strip()}"

    def start_manager(self):
        self.spawn("manager", self.selkie.program, "manager", "run", "--repo", self.selkie.repo)
        poll("the manager follows the chain", 30, self.follows)

    def follows(self):
        try:
            return self.manager("Selkie.Summary")["following"]
        except (OSError, RuntimeError):
            return False

    def stop_manager(self, how=signal.SIGTERM):
        self.processes["manager"].send_signal(how)
        self.processes["manager"].wait(60)

    def end(self):
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Wrong(f"{name} did not end within 60 s")

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()

    def logged(self, pattern, name="manager"):
        poll(f"the {name} logs '{pattern}'", 10, lambda: re.search(pattern, self.log_of(name)))

    # Asking and telling.

    def run(self, *words):
        return self.selkie.command(*words)

    def command(self, *words):
        """One that does not speak with the manager."""
        subprocess.run([self.selkie.program, *words], check=True, stdout=subprocess.DEVNULL, timeout=60)

    def refused(self, *words):
        """The command must fail; its sentence."""
        try:
            self.run(*words)
        except RuntimeError as error:
            return str(error)
        raise Wrong(f"{' '.join(words)} was not refused")

    def manager(self, method, *params, token=None):
        return cluster.Node(os.path.join(self.selkie.repo, "manager"), "/rpc/v0", token).ask(method, *params)

    def worker_url(self):
        with open(os.path.join(self.selkie.repo, "manager", "api")) as file:
            return f"http://127.0.0.1:{file.read().split('/')[4]}/rpc/v0"

    def token_file(self, token):
        path = os.path.join(self.folder, f"token-{len(os.listdir(self.folder))}")
        with open(path, "w") as file:
            file.write(token)
        return path

    def worker_token(self):
        return self.token_file(self.run("auth", "create-token", "--perm", "worker", "--name", "test")["token"])

    def configure(self, **values):
        with open(self.config_path) as file:
            text = file.read()
        for key, value in values.items():
            text, found = re.subn(rf"(?m)^#?{key} = .*$", f"{key} = {value}", text)
            if not found:
                raise Wrong(f"no key {key} in {self.config_path}")
        with open(self.config_path, "w") as file:
            file.write(text)

    def reconfigure(self, **values):
        self.configure(**values)
        self.processes["manager"].send_signal(signal.SIGHUP)
        time.sleep(0.4)

    def mine(self, epochs):
        return self.node.ask("Selkie.DevnetMine", epochs)

    def height(self):
        return self.node.ask("Filecoin.ChainHead")["Height"]

    def fault(self, *words):
        return self.run("devnet", "fault", *[str(word) for word in words])

    def pause_worker(self):
        self.run("worker", "pause", self.worker.name)

    def resume_worker(self):
        self.run("worker", "resume", self.worker.name)

    # Sectors.

    def pledge(self, count=1, end="Proving"):
        numbers = self.run("sectors", "pledge", "--count", str(count))["sectors"]
        self.expected.update(dict.fromkeys(numbers, end))
        return numbers if count > 1 else numbers[0]

    def status(self, number, log=False):
        return self.manager("Selkie.SectorsStatus", number, None, log)

    def state(self, number):
        return self.status(number)["state"]

    def until(self, number, *states, seconds=60):
        seen = [None]

        def look():
            seen[0] = self.status(number)
            return seen[0] if seen[0]["state"] in states else None
        try:
            return poll(f"sector {number} is {' or '.join(states)}", seconds, look)
        except Wrong as error:
            raise Wrong(f"{error}; it is {seen[0]['state']}: {seen[0]['waiting_for']}") from None

    def past(self, number, event, seconds=60):
        """Wait until its log has this event; the entry's text."""
        return poll(f"sector {number} has {event} in its log", seconds,
                    lambda: [row["detail"] or "-" for row in self.status(number, True)["log"] if row["event"] == event])[-1]

    def says(self, number, pattern, seconds=20):
        """Wait until the sentence of what it waits for, or its last error, matches."""
        seen = [""]

        def look():
            status = self.status(number)
            seen[0] = f"{status['state']}: {status['waiting_for']} | {status['last_error']}"
            return re.search(pattern, seen[0])
        try:
            poll("sentence", seconds, look)
        except Wrong:
            raise Wrong(f"sector {number} does not say '{pattern}', but {seen[0]}") from None
        print(f"     {number} {seen[0]}", flush=True)
        return seen[0]

    def story(self, number):
        return [row["event"] for row in self.status(number, True)["log"] if row["event"]]

    def told(self, number, *events):
        """These events stand in its log, in this order."""
        story, at = self.story(number), 0
        for event in events:
            if event not in story[at:]:
                raise Wrong(f"sector {number}: no {event} where expected in {story}")
            at = story.index(event, at) + 1

    def force(self, number, state):
        self.run("sectors", "update-state", "--really-do-it", str(number), state)

    def remove(self, number):
        self.run("sectors", "remove", "--really-do-it", str(number))
        self.expected[number] = "Removed"

    def jobs(self, number):
        return [job for job in self.run("sealing", "jobs") if job["sector"] == f"t0{self.miner}-{number}"]

    # The end.

    def finish(self, seconds):
        """All are where they are expected to be; what the chain says of them."""
        for number, state in sorted(self.expected.items()):
            self.until(number, state, seconds=seconds)
        for look in self.at_end:
            look()
        sectors = {s["SectorNumber"]: s for s in self.node.ask("Filecoin.StateMinerSectors", self.address(), None, None)}
        for number, state in self.expected.items():
            if state == "Proving" and number not in sectors:
                raise Wrong(f"sector {number} is Proving here, and not on chain")
        calls = {}
        for cid in self.node.ask("Filecoin.StateListMessages", {"To": self.address(), "From": None}, None, 0) or []:
            message = self.node.ask("Filecoin.ChainGetMessage", cid)
            key = (message["Method"], message["Params"])
            calls[key] = calls.get(key, 0) + 1
        if [key for key, count in calls.items() if count > 1]:
            raise Wrong("a message was sent twice")
        state = self.node.ask("Filecoin.StateReadState", self.address(), None)["State"]
        open_deposits = sum(int(self.pre_commit(n)["PreCommitDeposit"]) for n in self.expected if self.pre_commit(n))
        if int(state["PreCommitDeposits"]) != open_deposits:
            raise Wrong(f"deposits: {state['PreCommitDeposits']} are locked, open pre-commits have {open_deposits}")
        if self.jobs_left():
            raise Wrong(f"jobs are left over: {self.jobs_left()}")
        print(f"     {len(self.expected)} sectors ended as they should: {len(sectors)} on chain, no message twice, "
              f"deposits of open pre-commits alone", flush=True)

    def jobs_left(self):
        return [job for job in self.run("sealing", "jobs")
                if int(job["sector"].split("-")[1]) in self.expected and job["task"] != "RM"]

    def address(self):
        return f"t0{self.miner}"

    def pre_commit(self, number):
        try:
            return self.node.ask("Filecoin.StateSectorPreCommitInfo", self.address(), number, None)
        except RuntimeError:
            return None
