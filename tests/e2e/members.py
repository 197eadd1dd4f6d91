"""Many workers with paths of their own, a devnet and a manager for them; somebody else's manager; the program alone."""

import hashlib
import http.client
import http.server
import json
import os
import sys
import threading

import cluster
from roles import HASTY, UNRULY, Cluster, Worker, Wrong, free_port, poll

SEALS = {"AP": 2, "PC1": 2, "PC2": 2}


def expect(what, condition, found=""):
    if not condition:
        raise Wrong(f"{what}: {found}")


def digests(folder):
    """SHA-256 of a file, or of all files below a folder, by name."""
    if os.path.isfile(folder):
        with open(folder, "rb") as file:
            return {"": hashlib.sha256(file.read()).hexdigest()}
    found = {}
    for below, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(below, name)
            found[os.path.relpath(path, folder)] = digests(path)[""]
    return found


class Member(Worker):
    """A worker with a repo of its own, on any paths."""

    def __init__(self, owner, name, tasks=None, paths=(), **config):
        config = {"NoDefault": True, **config}
        if tasks is not None:
            config["Tasks"] = tasks
        super().__init__(owner, name, os.path.join(owner.folder, "repos", name), **config)
        self.ids = {}
        for words in paths:
            self.make_path(*words)

    def make_path(self, verb, root, *words):
        made = self.selkie.command("store", verb, root, *words)
        self.ids[root] = made["id"]
        return made["id"]

    def change_meta(self, root, **values):
        path = os.path.join(root, "sectorstore.json")
        with open(path) as file:
            meta = json.load(file)
        meta.update(values)
        with open(path + ".new", "w") as file:
            json.dump(meta, file)
        os.rename(path + ".new", path)

    def start(self, *before, wait=True, **changes):
        self.config.setdefault("Manager", self.owner.worker_url())
        if "TokenFile" not in self.config:
            self.config["TokenFile"] = self.owner.worker_token()
        self.config.update(changes)
        cluster.write_toml(os.path.join(self.folder, "config.toml"), self.config)
        self.process = self.owner.spawn(self.name, *before, self.selkie.program, "worker", "run", "--repo", self.repo)
        if wait:
            poll(f"worker {self.name} is active", 30, self.active)
        return self

    def log(self):
        return self.owner.log_of(self.name)


class OtherManager:
    """Refuses every worker for its protocol, as a manager of that version does."""

    def __init__(self, version):
        older = "worker" if version > 1 else "manager"
        text = f"protocol {version} here, 1 there: the {older} is older, upgrade it"
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": 1002, "message": text}}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/rpc/v0"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()


class Alone:
    """A folder and the program, for what starts everything by itself."""

    def __init__(self, program, folder):
        self.folder, self.processes = folder, {}
        self.selkie = cluster.Selkie(program, os.path.join(folder, "repo"))
        self.run = self.selkie.command

    def end(self):
        pass

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()


class Net(Cluster):
    """Devnet and manager; the workers are the scenarios'."""

    def __init__(self, program, folder, size="2KiB", block="100ms", miners=1, **config):
        self.folder, self.miner, self.processes, self.expected = folder, None, {}, {}
        self.size = size
        self.selkie = cluster.Selkie(program, os.path.join(folder, "repo"))
        self.config_path = os.path.join(self.selkie.repo, "manager", "config.toml")
        os.makedirs(self.selkie.repo)
        self.start_devnet(None, block)
        self.port = free_port()
        self.miner = self.run("manager", "init", "--create", "--size", size, "--listen",
                              f"127.0.0.1:{self.port}")["miner"]
        if miners > 1:
            owner = self.new_owner()
            self.second = self.run("manager", "init", "--create", "--size", size, "--owner", owner)["miner"]
        self.configure(**{**HASTY, **config})
        self.start_manager()
        print(f"     cluster of miner t0{self.miner} in {self.selkie.repo}", flush=True)

    def start_devnet(self, period, block):
        self.spawn("devnet", self.selkie.program, "devnet", "run", "--repo", self.selkie.repo, "--size", self.size,
                   "--listen", "127.0.0.1:0", "--block-time", block, "--threads", "1")
        folder = os.path.join(self.selkie.repo, "devnet")
        poll("the devnet serves", 20, lambda: os.path.exists(os.path.join(folder, "api")))
        self.node = cluster.Node(folder)
        with open(os.path.join(folder, "api")) as file:
            os.environ["FULLNODE_API_INFO"] = f"{self.node.token}:{file.read().strip()}"

    def new_owner(self):
        """An address with money."""
        new = self.node.ask("Filecoin.WalletNew", "bls")
        rich = self.node.ask("Filecoin.WalletDefaultAddress")
        message = {"To": new, "From": rich, "Value": "1000000000000000000000", "Method": 0, "Nonce": 0, "Params": None}
        cid = self.node.ask("Filecoin.MpoolPushMessage", message, None)["CID"]
        poll("the owner has money", 20, lambda: self.node.ask("Filecoin.StateSearchMsg", [], cid, -1, True))
        return new

    def member(self, name, tasks=None, paths=(), **config):
        return Member(self, name, tasks, paths, **config)

    def refusal(self, method, *params, token):
        """What a call is refused with, by HTTP or within the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        connection.request("POST", "/rpc/v0", body, {"Authorization": "Bearer " + token})
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status == 200 and "error" not in json.loads(text):
            raise Wrong(f"{method} was not refused: {text}")
        print(f"     {answer.status} {text.strip()}")
        return text

    def path(self, name):
        return os.path.join(self.folder, "paths", name)

    def workers(self):
        return {row["name"]: row for row in self.run("sealing", "workers")}

    def stores(self):
        return {row["ID"]: row for row in self.run("store", "list")}

    def find(self, number, *words):
        """{(type, worker)} of a sector's files."""
        return {(row["type"], row["worker"]) for row in self.run("store", "find", str(number), *words)}

    def job(self, number, task, state=None, seconds=30):
        """Wait until this job is there."""
        def look():
            return [job for job in self.jobs(number) if job["task"] == task and state in (None, job["state"])]
        return poll(f"{task} of {number} is {state or 'there'}", seconds, look)[0]


def trio(c, tag="", **config):
    """A seals, B proves, C stores."""
    a = c.member("seals" + tag, {**SEALS, "C2": 0}, [("seal-init", c.path("seal" + tag))], **config)
    b = c.member("proves" + tag, {"C2": 1, "C1": 0, "FIN": 0, "GET": 0})
    d = c.member("stores" + tag, {"C1": 0, "FIN": 0}, [("file-init", c.path("final" + tag))])
    return a, b, d


def slow(member, stage="pc1"):
    """Its processor of this stage does what tell() says."""
    member.config.setdefault("Processors", {})[stage] = {
        "Program": sys.executable, "Args": [UNRULY, member.owner.selkie.program, stage, member.unruly],
        "GraceSeconds": 2}
    return member


def lone(c, name="lone", **config):
    """A worker that does all but C2, with one path for sealing and storage."""
    return slow(c.member(name, SEALS, [("seal-init", c.path(name), "--store")], **config))
