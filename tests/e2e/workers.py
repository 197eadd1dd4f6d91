#!/usr/bin/env python3
"""Several workers, their storage paths, and what operators do to them, with real processes.

    tests/e2e/workers.py SELKIE                 all
    tests/e2e/workers.py SELKIE quick           a sector through three workers
    tests/e2e/workers.py SELKIE NAME...         those of these names
    tests/e2e/workers.py SELKIE list            names

Each scenario has a cluster of its own. Needs the 2KiB parameters of porep in
FIL_PROOFS_PARAMETER_CACHE.
"""

import collections
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

import cluster
from members import SEALS, Alone, Net, OtherManager, digests, expect, lone, slow, trio
from roles import Wrong, poll

Scenario = collections.namedtuple("Scenario", "name make quick run")
SCENARIOS = []
HERE = os.path.dirname(os.path.abspath(__file__))
FOREIGN = os.path.join(HERE, "foreign.py")
WRONG = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAA"


def scenario(quick=False, alone=False, **settings):
    def add(function):
        make = Alone if alone else lambda program, folder: Net(program, folder, **settings)
        SCENARIOS.append(Scenario(function.__name__, make, quick, function))
        return function
    return add


@scenario(quick=True)
def three_workers(c):
    """A takes AP to C1, B takes C2 and has no path, C stores: the sector goes through all of them."""
    a, b, d = trio(c)
    for member in (a, b, d):
        member.start()
    number = c.pledge()
    c.past(number, "SectorPreCommit2")
    name = f"s-t0{c.miner}-{number}"
    expect("store find after PC2", c.find(number) >= {("sealed", "seals"), ("cache", "seals")}, c.find(number))
    sealed = digests(os.path.join(c.path("seal"), "sealed", name))
    aux = digests(os.path.join(c.path("seal"), "cache", name))["p_aux"]
    job = c.job(number, "C2", "running", 60)
    expect("C2 is B's", job["worker"] == "proves", job)
    expect("sealing workers names the job", job["id"] in c.workers()["proves"]["jobs"], c.workers()["proves"])
    expect("sched-diag names the job", str(job["id"]) in c.run("sealing", "sched-diag")["CallToWork"], job)
    c.until(number, "Proving", seconds=200)
    expect("store find at the end", c.find(number) >= {("sealed", "stores"), ("cache", "stores")}, c.find(number))
    expect("nothing is with A", not [f for f in c.find(number) if f[1] == "seals"], c.find(number))
    expect("the sealed file is the same", digests(os.path.join(c.path("final"), "sealed", name)) == sealed)
    cache = digests(os.path.join(c.path("final"), "cache", name))
    expect("p_aux is the same", cache["p_aux"] == aux)
    expect("no layers are kept", not [n for n in cache if "layer" in n], cache)
    expect("A's folders are empty", not os.path.exists(os.path.join(c.path("seal"), "sealed", name)))
    trash = [os.path.join(below, n) for below, dirs, names in os.walk(c.path("seal")) for n in dirs + names
             if "trash" in below]
    expect("the sealed file is in A's trash", any(os.path.isfile(t) and digests(t) == sealed for t in trash), trash)


# --- Paths -----------------------------------------------------------------------------------------


def drop_c2(c, number):
    """The sector goes on without its proof, so that no minute is spent on it."""
    c.until(number, "Committing", seconds=60)
    c.force(number, "FinalizeSector")


@scenario()
def gateways(c):
    """Two gateways with buffers of their own mount one final path: it is one path, and nothing in it is ever deleted."""
    final = c.path("shared")
    a = c.member("seals", SEALS, [("seal-init", c.path("sealing"))])
    first = c.member("gate1", {"FIN": 0, "C1": 0}, [("file-init", final), ("file-init", c.path("buffer1"))])
    second = c.member("gate2", {"FIN": 0, "C1": 0}, [("file-init", c.path("buffer2"))])
    second.selkie.command("store", "attach", final)
    for gate, buffer in ((first, "buffer1"), (second, "buffer2")):
        gate.change_meta(c.path(buffer), CanFinal=False)
    for member in (a, first, second):
        member.start()
    shared = first.ids[final]
    row = c.stores()[shared]
    expect("one path, served by two", sorted(u["Worker"] for u in row["URLs"]) ==
           sorted(c.workers()[n]["id"] for n in ("gate1", "gate2")), row)
    numbers = c.pledge(2)
    for number in numbers:
        drop_c2(c, number)
    for number in numbers:
        c.until(number, "Proving", seconds=60)
        rows = c.run("store", "find", str(number))
        expect("all is in the final path", {r["store"] for r in rows} == {shared}, rows)
        for kind in ("sealed", "cache"):
            expect("it is there", os.path.exists(os.path.join(final, kind, f"s-t0{c.miner}-{number}")), kind)
    before = digests(os.path.join(final, "sealed"))
    expect("two files", len(before) == 2, before)
    first.stop()
    for number in numbers:
        c.force(number, "FinalizeSector")
        c.until(number, "Proving", seconds=60)
    expect("finalized again, nothing changed", digests(os.path.join(final, "sealed")) == before)
    expect("nothing of it went to its trash", not os.path.isdir(os.path.join(final, "trash")) or
           not os.listdir(os.path.join(final, "trash")), os.listdir(final))
    for number in numbers:
        c.remove(number)
        c.until(number, "Removed", seconds=40)
    expect("the gateway that is left has removed them", not digests(os.path.join(final, "sealed")))


@scenario()
def gateway_fails(c):
    """A gateway cannot write to its final path: it is tried again, and the other one does it."""
    a = c.member("seals", SEALS, [("seal-init", c.path("sealing"))])
    first = c.member("gate1", {"FIN": 0, "C1": 0}, [("file-init", c.path("final1"), "--weight", "1000")])
    second = c.member("gate2", {"FIN": 0, "C1": 0}, [("file-init", c.path("final2"))])
    a.start()
    first.start()
    number = c.pledge()
    c.until(number, "WaitSeed", "Committing")
    # A file in the place of the folder for downloads: nothing can be put into this path.
    for kind in ("sealed", "cache"):
        folder = os.path.join(c.path("final1"), kind, "fetching")
        shutil.rmtree(folder, ignore_errors=True)
        with open(folder, "w"):
            pass
    drop_c2(c, number)
    c.says(number, r"FinalizeSector: GET")
    poll("it fails there", 30, lambda: re.search(r"GET failed|GET .*tried again", c.log_of("manager")))
    second.start()
    c.until(number, "Proving", seconds=90)
    expect("at the other", c.find(number) == {("sealed", "gate2"), ("cache", "gate2")}, c.find(number))
    name = f"s-t0{c.miner}-{number}"
    expect("and on its disk", os.path.exists(os.path.join(c.path("final2"), "sealed", name)))


@scenario()
def attach_and_detach(c):
    """Paths come and go while the worker runs; files are moved by hand and declared anew."""
    w = lone(c)
    w.start()
    w.tell("pc1", "slow 1")
    number = c.pledge()
    c.job(number, "PC1", "running")
    c.run("worker", "pause", "lone")
    c.past(number, "SectorPreCommit1")
    other = c.path("other")
    made = w.make_path("seal-init", other)
    poll("store list has the new path", 10, lambda: c.stores().get(made, {}).get("Usable"))
    w.selkie.command("store", "detach", c.path("lone"))
    old = w.ids[c.path("lone")]
    poll("store list has the old one without a worker", 10, lambda: not c.stores()[old]["Usable"])
    print("    ", c.stores()[old]["Err"])
    c.run("worker", "resume", "lone")
    c.says(number, r"PreCommit2: .*(path|not connected|no worker)")
    expect("nothing failed", c.state(number) == "PreCommit2")
    name = f"s-t0{c.miner}-{number}"
    for kind in ("sealed", "cache"):
        if os.path.exists(os.path.join(c.path("lone"), kind, name)):
            os.rename(os.path.join(c.path("lone"), kind, name), os.path.join(other, kind, name))
    w.selkie.command("store", "redeclare")
    c.past(number, "SectorPreCommit2", seconds=30)
    expect("it is where it was moved to", ("cache", other) in {(r["type"], r["path"]) for r in
           c.run("store", "find", str(number))}, c.run("store", "find", str(number)))
    w.selkie.command("store", "attach", c.path("lone"))
    poll("the old one is back", 10, lambda: c.stores()[old]["Usable"])
    c.until(number, "WaitSeed", "Committing")
    expect("what it does not have is not said to be there", old not in
           {r["store"] for r in c.run("store", "find", str(number))}, c.run("store", "find", str(number)))


@scenario()
def detach_in_use(c):
    """A path is detached under a running PC1, and attached again: nothing is lost, and PC1 is not done twice."""
    w = lone(c)
    w.start()
    w.tell("pc1", "slow 4")
    number = c.pledge()
    c.job(number, "PC1", "running")
    poll("the worker has it", 10, lambda: w.selkie.command("worker", "info")["Jobs"])
    w.selkie.command("store", "detach", c.path("lone"))
    time.sleep(5)
    print("    ", c.state(number), c.status(number)["waiting_for"])
    w.selkie.command("store", "attach", c.path("lone"))
    c.past(number, "SectorPreCommit2", seconds=40)
    expect("one PC1", c.story(number).count("SectorPreCommit1") == 1, c.story(number))
    expect("no failure", not [e for e in c.story(number) if "Fail" in e], c.story(number))


@scenario()
def path_disappears(c):
    """A path is away for a while: said so, nothing fails for good, it goes on when the path is back."""
    w = lone(c)
    w.start()
    w.tell("pc1", "slow 1")
    number = c.pledge()
    c.job(number, "PC1", "running")
    c.run("worker", "pause", "lone")
    c.past(number, "SectorPreCommit1")
    path = c.path("lone")
    os.rename(path, path + ".away")
    row = poll("store list says it", 20, lambda: [r for r in c.stores().values() if r["ID"] == w.ids[path] and r["Err"]])
    print("    ", row[0]["Err"])
    c.run("worker", "resume", "lone")
    c.says(number, r"PreCommit2: .*(path|error)")
    os.rename(path + ".away", path)
    c.past(number, "SectorPreCommit2", seconds=60)
    c.told(number, "SectorPreCommit1", "SectorPreCommit2")
    expect("PC1 was not done again", "SectorRetrySealPreCommit1" not in c.story(number), c.story(number))


@scenario()
def path_read_only(c):
    """A path that cannot be written to gets nothing new."""
    root = c.path("ro")
    os.makedirs(root)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", root], capture_output=True).returncode:
        return print("     not tried: no file system can be mounted here")
    try:
        w = c.member("lone", SEALS, [("seal-init", root, "--store")])
        w.start()
        subprocess.run(["mount", "-o", "remount,ro", root], check=True)
        poll("store list says it", 45, lambda: not c.stores()[w.ids[root]]["Usable"])
        print("    ", c.stores()[w.ids[root]]["Err"])
        number = c.pledge()
        c.says(number, r"PreCommit1: PC1 waits")
        expect("nothing was tried", c.job(number, "PC1")["tries"] == 0, c.job(number, "PC1"))
        subprocess.run(["mount", "-o", "remount,rw", root], check=True)
        c.past(number, "SectorPreCommit2", seconds=60)
        c.remove(number)
        c.until(number, "Removed", seconds=30)
        w.stop()
    finally:
        subprocess.run(["umount", "-l", root])


@scenario()
def space(c):
    """Two sectors and a path with room for one: the second waits for room, no job fails."""
    root = c.path("small")
    w = c.member("lone", SEALS, [("seal-init", root, "--store", "--max-storage", "70000")])
    w.start()
    first, second = c.pledge(2)
    waiting = poll("one of them waits for room", 20, lambda: [
        n for n in (first, second) if re.search(r"needs .* free", str(c.status(n)["waiting_for"]))])[0]
    said = c.says(waiting, r"PreCommit1: .*needs .* free")
    other = first if waiting == second else second
    c.past(other, "SectorPreCommit2", seconds=30)
    expect("the other still waits", c.state(waiting) == "PreCommit1", said)
    expect("it was never tried", c.job(waiting, "PC1")["tries"] == 0, c.job(waiting, "PC1"))
    c.remove(other)
    c.until(other, "Removed", seconds=30)
    c.past(waiting, "SectorPreCommit2", seconds=40)
    for number in (first, second):
        expect("no failure", not [e for e in c.story(number) if "Fail" in e], c.story(number))


@scenario()
def split_sealing(c):
    """PC1 and PC2 at workers with paths of their own: files come by HTTP, for who has a token of the cluster alone."""
    a = c.member("first", {"AP": 1, "PC1": 1, "C1": 0, "FIN": 0}, [("seal-init", c.path("a"))])
    b = c.member("second", {"PC2": 1}, [("seal-init", c.path("b"), "--store")])
    a.start()
    number = c.pledge()
    c.past(number, "SectorPreCommit1")
    c.says(number, r"PreCommit2: PC2 waits for a worker: .*does not take the task PC2")
    row = [r for r in c.run("store", "find", str(number)) if r["type"] == "sealed"][0]
    url = urllib.parse.urlsplit(row["url"] + f"/sealed/s-t0{c.miner}-{number}")
    admin = c.run("auth", "create-token", "--perm", "admin", "--name", "a")["token"]
    for header in ({}, {"Authorization": "Bearer " + WRONG}, {"Authorization": "Bearer " + admin}):
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        connection.request("GET", url.path, headers=header)
        expect("nobody else gets files", connection.getresponse().status == 401)
    b.start()
    c.past(number, "SectorPreCommit2")
    c.until(number, "WaitSeed", "Committing")
    at_second = {("sealed", "second"), ("cache", "second")}
    expect("they are there", c.find(number) - {("unsealed", "first")} == at_second, c.find(number))
    expect("and here no more", not os.path.exists(os.path.join(c.path("a"), "sealed", f"s-t0{c.miner}-{number}")))
    drop_c2(c, number)
    c.until(number, "Proving", seconds=30)
    expect("nothing else is left", c.find(number) == at_second, c.find(number))


def wait_for_fetch(root):
    """Until a file of the cache is being fetched into this path; its length."""
    def look():
        folder = os.path.join(root, "cache", "fetching")
        for below, _, names in os.walk(folder):
            for name in names:
                try:
                    size = os.path.getsize(os.path.join(below, name))
                except OSError:
                    continue
                if size > 1 << 16:
                    return size
        return None
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.001)
    raise Wrong("nothing is fetched")


@scenario(size="8MiB")
def fetch_interrupted(c):
    """Who fetches is killed in the middle of it, then who serves stands still for a while: the file arrives whole."""
    a = c.member("first", {"AP": 1, "PC1": 1, "C1": 0, "FIN": 0}, [("seal-init", c.path("a"))])
    b = c.member("second", {"PC2": 1}, [("seal-init", c.path("b"), "--store")])
    a.start()
    number = c.pledge()
    c.past(number, "SectorPreCommit1")
    before = digests(os.path.join(c.path("a"), "cache", f"s-t0{c.miner}-{number}"))
    b.start(wait=False)
    print("     killed at", wait_for_fetch(c.path("b")))
    b.stop(signal.SIGKILL)
    expect("the source has its files", before == digests(os.path.join(c.path("a"), "cache", f"s-t0{c.miner}-{number}")))
    b.start(wait=False)
    wait_for_fetch(c.path("b"))
    a.process.send_signal(signal.SIGSTOP)
    time.sleep(2)
    a.process.send_signal(signal.SIGCONT)
    c.past(number, "SectorPreCommit2", seconds=90)
    after = digests(os.path.join(c.path("b"), "cache", f"s-t0{c.miner}-{number}"))
    layers = {name: digest for name, digest in before.items() if "layer" in name}
    expect("the layers are the same", layers and layers.items() <= after.items(), (layers, after))
    expect("no failure", not [e for e in c.story(number) if "Fail" in e], c.story(number))


@scenario(FinalizeEarly="true")
def finalize_early(c):
    """Moved to long-term storage before its proof is sent, and again asked for after: nothing is moved twice."""
    a, b, d = trio(c)
    for member in (a, b, d):
        member.start()
    number = c.pledge()
    c.past(number, "SectorFinalized", seconds=200)
    before = digests(os.path.join(c.path("final"), "sealed"))
    c.until(number, "Proving", seconds=60)
    expect("nothing changed", digests(os.path.join(c.path("final"), "sealed")) == before and len(before) == 1)
    expect("all is there", c.find(number) == {("sealed", "stores"), ("cache", "stores")}, c.find(number))
    expect("moved once", len(re.findall(r"GET begins", d.log())) == 1, d.log())


# --- Jobs ------------------------------------------------------------------------------------------


@scenario()
def pause_drain_abort(c):
    """Paused: nothing new. Draining: what it has it finishes. Aborted: stopped, and tried again as after a failure."""
    w = lone(c)
    w.start()
    c.run("worker", "pause", "lone")
    expect("paused", c.workers()["lone"]["state"] == "paused", c.workers())
    number = c.pledge()
    c.says(number, r"PreCommit1: PC1 waits for a worker: .*paused")
    expect("sealing jobs says the same", "paused" in c.job(number, "PC1", "queued")["waiting_for"], c.jobs(number))
    diagram = c.run("sealing", "sched-diag")["SchedInfo"]
    expect("sched-diag says the same", "paused" in diagram["Requests"][0]["Why"] and not diagram["OpenWindows"], diagram)
    w.tell("pc1", "slow 3")
    c.run("worker", "resume", "lone")
    c.job(number, "PC1", "running")
    c.run("worker", "drain", "lone")
    expect("draining", c.workers()["lone"]["state"] == "draining", c.workers())
    later = c.pledge()
    c.past(number, "SectorPreCommit2", seconds=30)
    c.says(later, r"PreCommit1: PC1 waits for a worker: .*draining")
    c.run("worker", "resume", "lone")
    c.past(later, "SectorPreCommit2")
    w.tell("pc1", "slow 60")
    third = c.pledge()
    job = c.job(third, "PC1", "running")
    poll("the worker has it", 10, lambda: w.selkie.command("worker", "info")["Jobs"])
    c.run("sealing", "abort", str(job["id"]))
    c.past(third, "SectorSealPreCommit1Failed")
    poll("the worker has stopped it", 15, lambda: job["id"] not in
         [j["ID"] for j in w.selkie.command("worker", "info")["Jobs"]])
    c.past(third, "SectorPreCommit2")
    log = [row["detail"] for row in c.status(third, True)["log"] if row["event"] == "SectorSealPreCommit1Failed"]
    print("    ", log)
    expect("the log names the operator", "operator" in str(log), log)


@scenario()
def stopped_beyond_lease(c):
    """SIGSTOP for longer than the lease: alone, it goes on with its job; beside another one, it drops its claim."""
    w = lone(c)
    w.start()
    w.tell("pc1", "slow 9")
    number = c.pledge()
    job = c.job(number, "PC1", "running")
    poll("the worker has it", 10, lambda: w.selkie.command("worker", "info")["Jobs"])
    w.process.send_signal(signal.SIGSTOP)
    c.job(number, "PC1", "queued", 15)
    expect("the worker is dead for now", c.workers()["lone"]["state"] == "dead", c.workers()["lone"])
    c.says(number, r"PreCommit1: PC1 waits for a worker")
    w.process.send_signal(signal.SIGCONT)
    again = c.job(number, "PC1", "running", 15)
    expect("the same try", again["tries"] == job["tries"] == 1, again)
    c.past(number, "SectorPreCommit1")
    c.run("worker", "pause", "lone")
    c.remove(number)
    c.run("worker", "resume", "lone")
    c.until(number, "Removed", seconds=20)
    w.tell("pc1", "slow 30")
    number = c.pledge()
    job = c.job(number, "PC1", "running")
    poll("the worker has it", 10, lambda: "PC1" in [j["Task"] for j in w.selkie.command("worker", "info")["Jobs"]])
    w.process.send_signal(signal.SIGSTOP)
    other = lone(c, "other").start()
    c.past(number, "SectorPreCommit1", seconds=30)
    name = f"s-t0{c.miner}-{number}"
    os.makedirs(os.path.join(c.path("lone"), "cache", name), exist_ok=True)
    for rest in ("sealed/" + name, "cache/" + name + "/sc-02-data-layer-1.dat"):
        with open(os.path.join(c.path("lone"), rest), "w") as file:
            file.write("half of a file")
    w.process.send_signal(signal.SIGCONT)
    w.selkie.command("store", "redeclare")
    poll("it drops its claim", 20, lambda: job["id"] not in
         [j["ID"] for j in w.selkie.command("worker", "info")["Jobs"]])
    c.past(number, "SectorPreCommit2")
    expect("one result", c.story(number).count("SectorPreCommit1") == 1, c.story(number))
    rows = poll("what it left is known", 10, lambda: (lambda rows: rows if len(rows) == 4 else None)(
        c.run("store", "find", str(number))))
    expect("it is known as stale", {r["worker"]: r["stale"] for r in rows} == {"lone": True, "other": False}, rows)
    drop_c2(c, number)
    c.until(number, "Proving", seconds=40)
    expect("the stale ones are gone", c.find(number) == {("sealed", "other"), ("cache", "other")}, c.find(number))
    expect("from the disk too", not os.path.exists(os.path.join(c.path("lone"), "sealed", name)))
    expect("nothing failed", not [e for e in c.story(number) if "Fail" in e], c.story(number))


@scenario()
def result_kept(c):
    """The manager is away when PC1 ends: the result is kept and delivered, nothing is computed again."""
    w = lone(c)
    w.start()
    w.tell("pc1", "slow 2")
    number = c.pledge()
    c.job(number, "PC1", "running")
    poll("the worker has it", 10, lambda: w.selkie.command("worker", "info")["Jobs"])
    c.stop_manager(signal.SIGKILL)
    job = poll("it is done", 20, lambda: [j for j in w.selkie.command("worker", "info")["Jobs"] if j["State"] == "ended"])
    print("    ", job[0]["State"], job[0]["Stage"])
    w.stop(signal.SIGKILL)
    w.start(wait=False)
    time.sleep(1)
    c.start_manager()
    c.past(number, "SectorPreCommit1", seconds=30)
    expect("PC1 was run once", len(re.findall(r"PC1 begins", w.log())) == 1, w.log())


@scenario()
def two_on_one_repo(c):
    """A second worker on a repo is refused; the first takes no harm."""
    w = lone(c)
    w.start()
    second = c.spawn("second", c.selkie.program, "worker", "run", "--repo", w.repo)
    expect("it ends with a status", second.wait(20) != 0)
    said = c.log_of("second").strip().splitlines()[-1]
    print("    ", said)
    expect("a sentence", re.search(r"(another|already|runs|in use)", said), said)
    number = c.pledge()
    c.past(number, "SectorPreCommit1")


@scenario()
def one_job_one_worker(c):
    """Three workers that mount one path, and many sectors: no job is run by two of them."""
    shared = c.path("shared")
    members = [c.member("m0", SEALS, [("seal-init", shared, "--store")])]
    for name in ("m1", "m2"):
        members.append(c.member(name, SEALS))
        members[-1].selkie.command("store", "attach", shared)
    for member in members:
        member.start()
    numbers = c.pledge(8)
    for number in numbers:
        c.past(number, "SectorPreCommit2", seconds=60)
    begun = collections.Counter()
    for member in members:
        begun.update(re.findall(r"-(\d+): (PC[12]) begins", member.log()))
    mine = {key: count for key, count in begun.items() if int(key[0]) in numbers}
    expect("each once", set(mine.values()) == {1} and len(mine) == 16, mine)
    print("    ", {m.name: len(re.findall(r"begins", m.log())) for m in members})


@scenario()
def foreign_processor(c):
    """Programs that speak damocles' fields alone stand in for PC1, PC2 and C2."""
    kinds = {stage: {"Program": sys.executable, "Args": [FOREIGN, c.selkie.program, stage]} for stage in
             ("pc1", "pc2", "c2")}
    w = c.member("lone", {**SEALS, "C2": 1}, [("seal-init", c.path("lone"), "--store")], Processors=kinds)
    w.start()
    number = c.pledge()
    c.until(number, "Proving", seconds=240)
    expect("the foreign programs did it", len(re.findall(r"foreign: (pc1|pc2|c2)", w.log())) >= 3, w.log()[-2000:])


# --- Who may what ------------------------------------------------------------------------------------


@scenario()
def tokens(c):
    """A worker's token cannot pledge; a wrong one, a revoked one are refused, each with a sentence."""
    made = c.run("auth", "create-token", "--perm", "worker", "--name", "w")
    for method, params in (("Selkie.SectorsPledge", [1]), ("Filecoin.AuthNew", [["admin"]])):
        said = c.refusal(method, *params, token=made["token"])
        expect("a sentence", "missing permission" in said, said)
    c.refusal("Selkie.Workers", token=WRONG)
    said = c.refused("sectors", "list", "--api-info", f"{WRONG}:/ip4/127.0.0.1/tcp/{c.port}/http")
    print("    ", said)
    expect("a sentence", "token" in said, said)
    c.run("auth", "revoke", made["id"])
    c.refusal("Selkie.WorkerBeat", {}, token=made["token"])


@scenario()
def protocols(c):
    """Another protocol version is refused by either side, and the older one is named."""
    token = c.run("auth", "create-token", "--perm", "worker", "--name", "w")["token"]
    w = lone(c)
    said = []
    for version in (0, 99):
        register = {"Protocol": version, "Version": "0.0", "Worker": "11111111-1111-4111-8111-111111111111",
                    "Session": "21111111-1111-4111-8111-111111111111", "Name": "old", "URL": "http://127.0.0.1:1/remote",
                    "ClockMs": 0, "Cores": 1, "Memory": 1 << 30, "NUMANodes": 1, "Tasks": [], "Miners": [], "Stores": []}
        try:
            c.manager("Selkie.WorkerRegister", register, token=token)
            raise Wrong(f"protocol {version} was not refused")
        except RuntimeError as error:
            said.append(str(error))
    print("    ", *said, sep="\n     ")
    expect("the worker is older", re.search(r"worker[^.]* older", said[0]), said[0])
    expect("the manager is older", re.search(r"manager[^.]* older", said[1]), said[1])
    for version, older in ((0, "manager"), (99, "worker")):
        with OtherManager(version) as other:
            w.start(wait=False, Manager=other.url)
            status = w.process.wait(30)
            said = w.log().strip().splitlines()[-1]
            print("     status", status, said)
            expect("a status", status)
            expect("a sentence", re.search(older + r"[^.]* older", said), said)
            w.process = None


@scenario()
def wildcard(c):
    """Manager and worker behind 0.0.0.0: addresses that others are told can be reached."""
    c.stop_manager()
    c.configure(ListenAddress=f'"0.0.0.0:{c.port}"')
    try:
        c.start_manager()
        info = c.run("auth", "api-info", "--perm", "worker")["MINER_API_INFO"]
        print("    ", info.split(":", 1)[1])
        expect("no wildcard is told", "0.0.0.0" not in info, info)
        a, _, d = trio(c, "w", Listen="0.0.0.0")
        a.start()
        d.start(Listen="0.0.0.0")
        for name in ("sealsw", "storesw"):
            expect("the address by which it reaches the manager", urllib.parse.urlsplit(
                c.workers()[name]["url"]).hostname == "127.0.0.1", c.workers()[name])
        number = c.pledge()
        drop_c2(c, number)
        c.until(number, "Proving", seconds=60)
        expect("it was fetched", {f[1] for f in c.find(number)} == {"storesw"}, c.find(number))
        c.remove(number)
        c.until(number, "Removed", seconds=30)
    finally:
        c.stop_manager()
        c.configure(ListenAddress=f'"127.0.0.1:{c.port}"')
        c.start_manager()


# --- A sector whose PC1 takes a while ------------------------------------------------------------------


@scenario(size="8MiB")
def pc1_goes_on_elsewhere(c):
    """PC1 of 8MiB is begun by A; A is killed, its path attached to D: D goes on from the checkpoint."""
    a = c.member("a", SEALS, [("seal-init", c.path("moves"))])
    a.start()
    number = c.pledge()
    cache = os.path.join(c.path("moves"), "cache", f"s-t0{c.miner}-{number}")
    part = poll("PC1 is in its last layer", 60, lambda: [n for n in (os.listdir(cache) if os.path.isdir(cache) else [])
                if re.match(r"sc-02-data-layer-2\.dat\.part", n)])
    processors = [pid for pid, words in cluster.children(a.process.pid).items() if "pc1" in words]
    for pid in processors:
        os.kill(pid, signal.SIGSTOP)
    print("     at", part, os.path.getsize(os.path.join(cache, part[0])))
    a.stop(signal.SIGKILL)
    for pid in processors:
        os.kill(pid, signal.SIGCONT)
    poll("its processor has ended", 20, lambda: not any(os.path.exists(f"/proc/{pid}") for pid in processors))
    expect("a checkpoint is there", os.path.exists(os.path.join(cache, "selkie-checkpoint.json")), os.listdir(cache))
    d = c.member("d", SEALS)
    d.selkie.command("store", "attach", c.path("moves"))
    d.start()
    c.past(number, "SectorPreCommit1", seconds=60)
    history = c.status(number, True)
    resumed = re.findall(r'(?i)labels.?resumed.?from\W+(\d+)', json.dumps(history) + d.log())
    rows = job_results(c, number, "PC1")
    print("     resumed from", resumed, rows)
    expect("not from zero", any(int(n) > 0 for n in resumed + rows), resumed)
    expect("d did it", "PC1 done" in d.log(), d.log())


def job_results(c, number, task):
    database = sqlite3.connect(f"file:{os.path.join(c.selkie.repo, 'manager', 'selkie.db')}?mode=ro", uri=True)
    try:
        return [str(json.loads(row[0]).get("LabelsResumedFrom")) for row in
                database.execute("SELECT result FROM job WHERE number = ? AND task = ? AND result IS NOT NULL",
                                 (number, task))]
    finally:
        database.close()


# --- Two miners --------------------------------------------------------------------------------------


@scenario(miners=2)
def tenants(c):
    """One manager, two miners: own policies and senders, and neither waits for the other's queue."""
    second = c.second
    w = slow(c.member("lone", {"AP": 1, "PC1": 1, "PC2": 1}, [("seal-init", c.path("lone"), "--store")]))
    w.start()
    w.tell("pc1", *["slow 0.7"] * 20)
    first_numbers = c.run("sectors", "pledge", "--count", "6", "--miner", f"f0{c.miner}")["sectors"]
    time.sleep(1)
    second_numbers = c.run("sectors", "pledge", "--count", "3", "--miner", f"f0{second}")["sectors"]
    order = poll("all of PC1 is begun", 60, lambda: (lambda found: found if len(found) == 9 else None)(
        re.findall(r"t0(\d+)-\d+: PC1 begins", w.log())))
    print("     PC1 by miner:", " ".join(order))
    expect("the second's are done while the first's still wait",
           max(i for i, m in enumerate(order) if m == str(second)) < 8, order)
    expect("numbers of each begin at 0", first_numbers[0] == 0 and second_numbers[0] == 0,
           (first_numbers, second_numbers))
    poll("pre-commits of both are on chain", 60, lambda: all(c.node.ask(
        "Filecoin.StateSectorPreCommitInfo", f"t0{m}", 0, None) for m in (c.miner, second)))
    senders = {}
    for miner in (c.miner, second):
        for cid in c.node.ask("Filecoin.StateListMessages", {"To": f"t0{miner}", "From": None}, None, 0):
            message = c.node.ask("Filecoin.ChainGetMessage", cid)
            senders.setdefault(miner, set()).add(message["From"])
    print("     senders:", senders)
    expect("own senders", not senders[c.miner] & senders[second], senders)
    # Its own policy, taken over while the manager runs.
    with open(c.config_path) as file:
        text = file.read()
    head, tail = text.rsplit("[[Miners]]", 1)
    expect("the second miner is the last", f'"t0{second}"' in tail or f'"f0{second}"' in tail, tail)
    with open(c.config_path, "w") as file:
        file.write(f"{head}[[Miners]]{tail}\n[Miners.Sealing]\nMaxSealingSectors = 3\n")
    c.processes["manager"].send_signal(signal.SIGHUP)
    time.sleep(0.5)
    said = c.refused("sectors", "pledge", "--miner", f"f0{second}")
    print("    ", said)
    expect("no more than its policy lets", "MaxSealingSectors" in said, said)
    first_numbers += c.run("sectors", "pledge", "--miner", f"f0{c.miner}")["sectors"]
    # A worker for one of them alone.
    w.stop()
    w.start(Miners=[second])
    waiting = c.run("sectors", "pledge", "--miner", f"f0{c.miner}")["sectors"][0]
    first_numbers.append(waiting)
    c.says(waiting, rf"PC1 waits for a worker: .*no connected worker takes PC1 for miner t0{c.miner}")
    for miner, numbers in ((c.miner, first_numbers), (second, second_numbers)):
        for number in numbers:
            c.run("sectors", "remove", "--really-do-it", f"{number}", *(["--miner", f"f0{miner}"]))


# --- selkie run ----------------------------------------------------------------------------------------


@scenario(alone=True)
def supervisor(c):
    """selkie run: a second one is refused; what dies is started again; SIGTERM ends worker, manager, devnet in order."""
    log = os.path.join(c.folder, "run.log")
    process = subprocess.Popen([c.selkie.program, "run", "--repo", c.selkie.repo, "--size", "2KiB"],
                               stdout=subprocess.DEVNULL, stderr=open(log, "a"))
    text = lambda: open(log, errors="replace").read()
    try:
        poll("everything runs", 90, lambda: "Everything runs" in text())
        again = subprocess.run([c.selkie.program, "run", "--repo", c.selkie.repo], capture_output=True, text=True,
                               timeout=60)
        print("    ", again.stderr.strip().splitlines()[-1])
        expect("a second run is refused", again.returncode and "another selkie run" in again.stderr, again.stderr)
        for role in ("worker", "manager", "devnet"):
            pid = [p for p, words in cluster.children(process.pid).items() if cluster.role_of(words) == role][0]
            os.kill(pid, signal.SIGKILL)
            poll(f"{role} is started again", 20, lambda: [p for p, words in cluster.children(process.pid).items()
                 if cluster.role_of(words) == role and p != pid])
            poll("the worker is known again", 40, lambda: (lambda rows: rows and rows[0]["state"] == "active")(
                answer_or(c, "sealing", "workers")))
        numbers = c.run("sectors", "pledge")["sectors"]
        poll("a sector is sealed", 60, lambda: [r for r in answer_or(c, "sectors", "list") or [] if r["state"] in
             ("WaitSeed", "Committing")])
        pids = {cluster.role_of(words): p for p, words in cluster.children(process.pid).items()
                if cluster.role_of(words) in ("worker", "manager", "devnet")}
        process.send_signal(signal.SIGTERM)
        gone = []
        until = time.monotonic() + 60
        while len(gone) < 3 and time.monotonic() < until:
            gone += [role for role, pid in pids.items() if role not in gone and not os.path.exists(f"/proc/{pid}")]
            time.sleep(0.005)
        print("     ended:", gone, "sector", numbers)
        expect("the order", gone == ["worker", "manager", "devnet"], gone)
        expect("status 0", process.wait(30) == 0, process.returncode)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def answer_or(c, *words):
    try:
        return c.run(*words)
    except RuntimeError:
        return None


def main(program, *names):
    known = {s.name: s for s in SCENARIOS}
    if names == ("list",):
        for s in SCENARIOS:
            print(f"{s.name:30} {'quick' if s.quick else '     '} {s.run.__doc__}")
        return
    chosen = ([s for s in SCENARIOS if s.quick] if names == ("quick",) else
              [known[n] for n in names] if names else SCENARIOS)
    results, failed = [], []
    for s in chosen:
        run_one(program, s, results, failed)
    for name, what, seconds in results:
        print(f"{what:4} {name:30} {seconds:6.1f} s")
    if failed:
        sys.exit("workers.py: " + ", ".join(failed))


def run_one(program, s, results, failed):
    print(f"---- {s.name}: {s.run.__doc__}", flush=True)
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="selkie-workers-")
    os.environ.pop("FULLNODE_API_INFO", None)
    c = None
    try:
        c = s.make(os.path.abspath(program), folder)
        s.run(c)
        c.end()
        results.append((s.name, "ok", time.monotonic() - began))
    except (Wrong, RuntimeError, OSError, KeyError, IndexError, subprocess.SubprocessError, ValueError) as error:
        results.append((s.name, "FAIL", time.monotonic() - began))
        failed.append(s.name)
        print(f"FAIL {s.name}: {type(error).__name__}: {error}", flush=True)
        for name in sorted(os.listdir(folder)):
            if name.endswith(".log"):
                print(f"--- {name}", *c.log_of(name[:-4]).splitlines()[-12:], sep="\n", flush=True)
    finally:
        for process in c.processes.values() if c else ():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
    if s.name in failed and os.environ.get("SELKIE_KEEP"):
        print("kept:", folder)
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
