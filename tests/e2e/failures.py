#!/usr/bin/env python3
"""Each failure on purpose, with real processes, and the way out that an operator would take.

    tests/e2e/failures.py SELKIE                 all
    tests/e2e/failures.py SELKIE quick           the quick ones; their sectors are removed before the long proof
    tests/e2e/failures.py SELKIE [quick] NAME... those of these names
    tests/e2e/failures.py SELKIE list            names

The scenarios of a group share one cluster: devnet, manager, worker. Each looks at the state that is reached, at the
sentence that is shown, and at the way out; in the end all sectors have to be Proving or Removed, and the chain's accounts
right. Needs the 2KiB parameters of porep in FIL_PROOFS_PARAMETER_CACHE.
"""

import base64
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

from roles import Cluster, Worker, Wrong, poll

HERE = os.path.dirname(os.path.abspath(__file__))
Scenario = collections.namedtuple("Scenario", "name group quick run")
SCENARIOS = []
GROUPS = {"seal": {}, "expiry": {"period": "4x10"}}


def scenario(group, quick=False):
    def add(function):
        SCENARIOS.append(Scenario(function.__name__, group, quick, function))
        return function
    return add


def flip(path, at=100):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def go_on(c, number):
    """The scenario is over; the sector goes on to Proving beside the next ones. In a quick run its removal is the end."""
    c.until(number, "Committing", "SubmitCommitAggregate", "CommitAggregateWait", "FinalizeSector", "Proving", seconds=90)
    if c.quick:
        c.remove(number)


def at_pc2(c):
    """A sector that has gone through PC1, with PC2 waiting for a worker that is paused."""
    c.worker.tell("pc1", "slow 1")
    number = c.pledge()
    poll("PC1 runs", 20, lambda: any(j["task"] == "PC1" and j["state"] == "running" for j in c.jobs(number)))
    c.pause_worker()
    c.until(number, "PreCommit2")
    return number


# --- Files and processors ----------------------------------------------------------------------------------------


@scenario("seal", quick=True)
def proof_wrong(c):
    """C2 answers well-formed proofs that do not hold: found by the worker, nothing is sent, proved again."""
    c.worker.tell("c2", "proof " + "c0" + 191 * "00", "refuse no")
    number = c.pledge()
    said = c.past(number, "SectorComputeProofFailed")
    if "verif" not in said and "proof" not in said:
        raise Wrong(f"the log says only: {said}")
    c.past(number, "SectorRetryComputeProof")
    if c.status(number)["commit_message"]:
        raise Wrong("a message was sent")
    c.at_end.append(lambda: c.told(number, "SectorComputeProofFailed", "SectorRetryComputeProof", "SectorComputeProofFailed",
                                   "SectorRetryComputeProof", "SectorCommitted", "SectorProving"))


@scenario("seal", quick=True)
def layer_damaged(c):
    """A layer is damaged between PC1 and PC2: PC2 finds it, PC1 is done again."""
    number = at_pc2(c)
    c.says(number, r"PC2 waits for a worker: .*paused")
    flip(c.worker.file("cache", number, "sc-02-data-layer-2.dat"))
    c.resume_worker()
    c.past(number, "SectorRetrySealPreCommit1")
    c.past(number, "SectorPreCommit2")
    c.told(number, "SectorPreCommit1", "SectorSealPreCommit2Failed", "SectorRetrySealPreCommit1", "SectorPreCommit1",
           "SectorPreCommit2")
    go_on(c, number)


@scenario("seal", quick=True)
def pc1_misbehaves(c):
    """PC1 floods its standard error, crashes, and refuses: tried again; a person may want it to begin at once."""
    c.worker.tell("pc1", "flood", "refuse the disk smells of smoke")
    first = c.pledge()
    c.past(first, "SectorPreCommit1")
    second = c.pledge()
    c.past(second, "SectorSealPreCommit1Failed")
    c.past(second, "SectorPreCommit1")
    c.told(second, "SectorSealPreCommit1Failed", "SectorRetrySealPreCommit1", "SectorPreCommit1")
    c.worker.tell("pc1", "crash")
    third = c.pledge()
    c.past(third, "SectorPreCommit1", seconds=30)
    c.logged(f"t0{c.miner}-{third}: .*PC1 failed .*signal 11")
    for number in (first, second, third):
        go_on(c, number)


@scenario("seal")
def pc1_hangs(c):
    """PC1 says nothing any more: it is ended after TotalSeconds and tried again."""
    c.worker.tell("pc1", "hang")
    number = c.pledge()
    c.past(number, "SectorPreCommit1", seconds=40)
    c.logged(f"t0{c.miner}-{number}: .*PC1 failed .*took more than 6 s")
    go_on(c, number)


@scenario("seal")
def pc1_out_of_memory(c):
    """The kernel ends PC1 for its memory: said so, and tried again."""
    group = f"selkie-test-{os.getpid()}"
    folder = os.path.join("/sys/fs/cgroup/memory", group)
    try:
        os.mkdir(folder)
        with open(os.path.join(folder, "memory.limit_in_bytes"), "w") as file:
            file.write(str(64 << 20))
    except OSError as error:
        return print(f"     not tried: no memory cgroup can be made: {error}")
    try:
        c.worker.tell("pc1", "hungry " + group)
        number = c.pledge()
        c.past(number, "SectorPreCommit1", seconds=40)
        c.logged(f"t0{c.miner}-{number}: .*PC1 failed .*no memory left")
        go_on(c, number)
    finally:
        poll("the cgroup is empty", 20, lambda: not open(os.path.join(folder, "cgroup.procs")).read())
        os.rmdir(folder)


@scenario("seal")
def pc1_fails_for_good(c):
    """PC1 fails again and again: the sector stays and waits for a person, who has it done again."""
    c.worker.tell("pc1", *["refuse no"] * 4)
    number = c.pledge()
    c.says(number, r"SealPreCommit1Failed: .*failed 4 times.*update-state.*PreCommit1.*remove", seconds=40)
    time.sleep(1.5)
    if c.state(number) != "SealPreCommit1Failed":
        raise Wrong("it did not stay")
    c.force(number, "PreCommit1")
    c.past(number, "SectorPreCommit1")
    go_on(c, number)


@scenario("seal")
def pc2_refuses(c):
    """PC2 fails four times: PC1 is done again, then all goes well."""
    c.worker.tell("pc2", *["refuse no"] * 4)
    number = c.pledge()
    c.past(number, "SectorRetrySealPreCommit1", seconds=40)
    c.past(number, "SectorPreCommit2", seconds=40)
    c.told(number, "SectorSealPreCommit2Failed", "SectorRetrySealPreCommit2", "SectorSealPreCommit2Failed",
           "SectorRetrySealPreCommit1", "SectorPreCommit1", "SectorPreCommit2")
    go_on(c, number)


@scenario("seal", quick=True)
def piece_damaged(c):
    """The data of a piece is damaged in the piece store: the sector waits until it is as it was."""
    path = os.path.join(c.folder, "piece-of-data")
    with open(path, "wb") as file:
        file.write(os.urandom(700))
    c.pause_worker()
    number = c.run("sectors", "add-piece", path)["sector"]
    c.expected[number] = "Proving"
    c.until(number, "AddPiece")
    store = os.path.join(c.selkie.repo, "manager", "pieces")
    stored = max((os.path.join(store, name) for name in os.listdir(store)), key=os.path.getmtime)
    flip(stored)
    c.resume_worker()
    c.past(number, "SectorAddPieceFailed")
    c.says(number, r"(?i)piece")
    flip(stored)
    c.past(number, "SectorStartPacking", seconds=30)
    c.told(number, "SectorAddPieceFailed", "SectorRetryWaitDeals", "SectorPieceAdded", "SectorStartPacking")
    go_on(c, number)


@scenario("seal")
def no_space_allowed(c):
    """MaxStorage leaves no room: said so, nothing fails, and it goes on when there is room."""
    path = os.path.join(c.worker.storage, "sectorstore.json")
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace('"MaxStorage": 0', '"MaxStorage": 1'))
    c.worker.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    number = c.pledge()
    try:
        c.says(number, r"PreCommit1: PC1 waits for a worker: .*needs .* free")
    finally:
        with open(path, "w") as file:
            file.write(text)
        c.worker.process.send_signal(signal.SIGHUP)
    c.past(number, "SectorPreCommit1")
    go_on(c, number)


@scenario("seal")
def disk_full(c):
    """The file system of the sealing path fills up while PC1 writes: waits, and is done when there is room."""
    disk = os.path.join(c.folder, "disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], capture_output=True).returncode:
        return print("     not tried: no file system can be mounted")
    worker = Worker(c, "small", os.path.join(c.folder, "small"), Manager=c.worker_url(), TokenFile=c.worker_token())
    worker.config["Processors"] = worker.processors()
    worker.storage = os.path.join(disk, "storage")
    filler = os.path.join(disk, "filler")
    try:
        c.pause_worker()
        worker.tell("pc1", "slow 1")
        worker.start()
        number = c.pledge()
        poll("PC1 runs", 20, lambda: any(j["state"] == "running" for j in c.jobs(number)))
        fill(filler)
        c.says(number, r"PC1 waits for a worker: .*needs .* free: 0 B", seconds=30)
        time.sleep(2)
        if c.state(number) != "PreCommit1":
            raise Wrong("it did not wait")
        os.unlink(filler)
        c.past(number, "SectorPreCommit2", seconds=60)
        c.remove(number)
        c.until(number, "Removed")
    finally:
        worker.stop()
        c.resume_worker()
        subprocess.run(["umount", "-l", disk])


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


@scenario("seal")
def files_lost_and_found(c):
    """A sector's files are gone when they are to be finalised, early or late: said so, and found again."""
    number = c.pledge()
    c.until(number, "Proving", seconds=900)
    for state, failed in (("CommitFinalize", "CommitFinalizeFailed"), ("FinalizeSector", "FinalizeFailed")):
        move_files(c, number, c.worker.file, lambda kind, n: os.path.join(c.folder, f"{kind}-away"))
        c.force(number, state)
        c.says(number, failed + r".*no path is known that has its files: (sealed|cache)")
        move_files(c, number, lambda kind, n: os.path.join(c.folder, f"{kind}-away"), c.worker.file)
        c.until(number, "Proving", seconds=60)
    c.told(number, "SectorFinalizeFailed", "SectorRetryFinalize", "SectorFinalized", "SectorProving",
           "SectorFinalizeFailed", "SectorRetryFinalize", "SectorFinalized")


def move_files(c, number, here, there):
    for kind in ("sealed", "cache"):
        shutil.move(here(kind, number), there(kind, number))
    c.run("store", "redeclare")
    time.sleep(1.5)


@scenario("seal", quick=True)
def trash_broken(c):
    """Files cannot be removed: said so, tried again, done when they can."""
    number = at_pc2(c)
    trash = [os.path.join(c.worker.storage, name) for name in os.listdir(c.worker.storage) if "trash" in name]
    for path in trash:
        shutil.move(path, path + "-away")
    blocked = trash[0] if trash else os.path.join(c.worker.storage, "trash")
    with open(blocked, "w") as file:
        file.write("in the way")
    c.remove(number)
    c.resume_worker()
    c.says(number, r"Remov(ing|eFailed): .*" + os.path.basename(blocked), seconds=30)
    os.unlink(blocked)
    for path in trash:
        shutil.move(path + "-away", path)
    c.until(number, "Removed", seconds=60)
    if os.path.exists(c.worker.file("sealed", number)):
        raise Wrong("its files are still there")


# --- Operators ------------------------------------------------------------------------------------------------------


@scenario("seal", quick=True)
def job_aborted(c):
    """An operator stops a job: the sector tries it again as after a failure."""
    c.worker.tell("pc1", "slow 20")
    number = c.pledge()
    poll("PC1 runs", 20, lambda: any(j["state"] == "running" for j in c.jobs(number)))
    c.run("sealing", "abort", str(c.jobs(number)[0]["id"]))
    c.past(number, "SectorSealPreCommit1Failed")
    c.past(number, "SectorPreCommit1", seconds=30)
    go_on(c, number)


@scenario("seal", quick=True)
def removed_everywhere(c):
    """Sectors are removed in each phase: jobs end, files go."""
    c.worker.tell("pc1", "slow 20")
    running = c.pledge(end="Removed")
    poll("PC1 runs", 20, lambda: any(j["state"] == "running" for j in c.jobs(running)))
    queued = c.pledge(end="Removed")
    c.until(queued, "PreCommit1")
    c.remove(queued)
    c.remove(running)
    c.until(queued, "Removed")
    c.until(running, "Removed")
    c.reconfigure(PreCommitBatchWait='"1h"')
    waiting, sent = c.pledge(2, end="Removed")
    c.until(waiting, "SubmitPreCommitBatch")
    c.until(sent, "SubmitPreCommitBatch")
    c.says(waiting, r"in a batch of 2 pre-commits")
    c.remove(waiting)
    c.until(waiting, "Removed")
    c.run("devnet", "pause")
    c.run("sectors", "batching", "--flush", "precommit")
    c.until(sent, "PreCommitBatchWait")
    c.remove(sent)
    c.until(sent, "Removed")
    c.reconfigure(PreCommitBatchWait='"300ms"')
    seeded = c.pledge(end="Removed")
    c.until(seeded, "PreCommitBatchWait")
    c.mine(12)
    c.until(seeded, "WaitSeed")
    c.remove(seeded)
    c.until(seeded, "Removed")
    c.run("devnet", "resume")
    proving = c.pledge(end="Removed")
    poll("C2 waits or runs", 60, lambda: any(j["task"] == "C2" for j in c.jobs(proving)))
    c.remove(proving)
    c.until(proving, "Removed")
    for number in (running, queued, waiting, sent, seeded, proving):
        if os.path.exists(c.worker.file("sealed", number)) or os.path.exists(c.worker.file("cache", number)):
            raise Wrong(f"files of sector {number} are still there")
    said = c.refused("sectors", "update-state", "--really-do-it", str(proving), "PreCommit1")
    print(f"     {said}")


@scenario("seal")
def terminated_everywhere(c):
    """Termination before, between and after the messages: refused with a reason where it cannot be, done where it can."""
    c.pause_worker()
    early = c.pledge(end="Removed")
    c.until(early, "PreCommit1")
    c.run("sectors", "terminate", "--really-do-it", str(early))
    c.resume_worker()
    c.until(early, "Removed")
    c.told(early, "SectorTerminate", "SectorRemove", "SectorRemoved")
    c.run("devnet", "pause")
    number = c.pledge(end="Removed")
    c.until(number, "PreCommitBatchWait")
    c.mine(12)
    c.until(number, "WaitSeed")
    c.run("sectors", "terminate", "--really-do-it", str(number))
    c.says(number, r"TerminateFailed: it is pre-committed .*update-state")
    c.run("devnet", "resume")
    c.force(number, "WaitSeed")
    c.until(number, "Proving", seconds=900)
    c.run("sectors", "terminate", "--really-do-it", str(number))
    c.until(number, "TerminateFinality", seconds=60)
    c.says(number, r"final at \d+, in about")
    c.mine(910)
    c.until(number, "Removed")
    c.told(number, "SectorTerminateFailed", "SectorForceState", "SectorProving", "SectorTerminate", "SectorTerminating",
           "SectorTerminated", "SectorRemove", "SectorRemoved")


# --- The chain ------------------------------------------------------------------------------------------------------


@scenario("seal", quick=True)
def node_down(c):
    """The chain node is away for many epochs, while a pre-commit, a seed and a prove-commit are waited for."""
    c.run("devnet", "pause")
    number = c.pledge()
    c.until(number, "PreCommitBatchWait")
    outage(c, number, 5)
    c.until(number, "PreCommitBatchWait")
    c.mine(12)
    c.until(number, "WaitSeed")
    c.run("devnet", "resume")
    if not c.quick:
        outage(c, number, 12)  # 120 epochs of 100 ms: an hour of a real chain
    c.until(number, "Committing")
    if c.quick:
        return go_on(c, number)
    poll("C2 runs", 60, lambda: any(j["task"] == "C2" for j in c.jobs(number)))
    c.run("devnet", "pause")
    c.until(number, "CommitAggregateWait", seconds=900)
    c.run("devnet", "resume")
    outage(c, number, 12)
    c.until(number, "Proving")
    c.told(number, "SectorPreCommitLanded", "SectorSeedReady", "SectorCommitted", "SectorProving")
    if c.story(number).count("SectorPreCommitBatchSent") != 1:
        raise Wrong("the pre-commit was sent again")


def outage(c, number, seconds):
    state = c.state(number)
    c.fault("down", seconds)
    info = poll("the manager notices", 20, lambda: not c.follows() and c.manager("Selkie.Summary"))
    if not info["trouble"]:
        raise Wrong("no sentence about the trouble")
    c.says(number, "the chain cannot be asked, it is tried again: .*node.*; before: ", seconds=2)
    if c.state(number) != state:
        raise Wrong("it moved without a chain")
    poll("the manager follows the chain again", 40, c.follows)


@scenario("seal")
def node_unwell(c):
    """A slow, forgetful, failing node that goes back: one life with all of it."""
    number = c.pledge()
    c.fault("slow", 150, 5)
    c.fault("lose", 2)
    c.until(number, "PreCommitBatchWait")
    c.fault("fail", 5)
    c.until(number, "WaitSeed", seconds=120)
    c.fault("rewind", 3)
    c.fault("null", 5)
    c.until(number, "Committing", seconds=60)
    c.fault("lose", 1)
    c.until(number, "Proving", seconds=900)


@scenario("seal", quick=True)
def reorg_takes_pre_commit(c):
    """The chain is reorganised and the pre-commit is gone: it is sent again, as another message."""
    c.run("devnet", "pause")
    number = c.pledge()
    c.until(number, "PreCommitBatchWait")
    c.mine(9)
    c.until(number, "WaitSeed")
    c.run("devnet", "reorg", "9", "--messages", "lose")
    c.run("devnet", "resume")
    c.says(number, r"PreCommit|Submit")
    c.until(number, "Committing", "Proving", seconds=90)
    c.told(number, "SectorPreCommitLanded", "SectorPreCommitLanded", "SectorSeedReady")
    go_on(c, number)


@scenario("seal")
def reorg_takes_prove_commit(c):
    """The chain is reorganised and the prove-commit is pending again, or lost: it lands once more, and no second one."""
    number = c.pledge()
    c.until(number, "Committing", seconds=60)
    poll("C2 runs", 60, lambda: any(j["task"] == "C2" for j in c.jobs(number)))
    c.run("devnet", "pause")
    c.until(number, "CommitAggregateWait", seconds=900)
    c.mine(3)
    c.says(number, r"CommitAggregateWait: its message landed at epoch")
    c.run("devnet", "reorg", "3", "--messages", "later")
    c.says(number, r"CommitAggregateWait: its message is Pending")
    c.mine(2)
    c.run("devnet", "reorg", "2", "--messages", "lose")
    c.run("devnet", "resume")
    c.until(number, "Proving", seconds=90)


@scenario("seal", quick=True)
def ticket_expires(c):
    """No worker for so long that the ticket is too old, before PC1 and before PC2: a new one, and PC1 with it."""
    number = at_pc2(c)
    early = c.pledge()
    c.until(early, "PreCommit1")
    c.mine(4000)
    c.told(number, "SectorPreCommit1")
    c.past(early, "SectorOldTicket")
    c.resume_worker()
    c.past(number, "SectorPreCommit2", seconds=40)
    c.told(number, "SectorPreCommit1", "SectorSealPreCommit1Failed", "SectorOldTicket", "SectorTicket", "SectorPreCommit1",
           "SectorPreCommit2")
    go_on(c, number)
    go_on(c, early)


@scenario("seal")
def no_money(c):
    """The wallet is empty: said so, nothing fails; it goes on when there is money."""
    owner = c.node.ask("Filecoin.WalletDefaultAddress")
    other = c.node.ask("Filecoin.WalletNew", "secp256k1")
    balance = int(c.node.ask("Filecoin.WalletBalance", owner))
    gone = send(c, owner, other, balance - 2 * 10 ** 10, GasLimit=10 ** 7, GasFeeCap="1000", GasPremium="100")
    try:
        number = c.pledge()
        # Found at the estimate, or where the node is handed the message.
        c.says(number, r"PreCommitBatch.*: .*(too little money for it, send FIL to it|not enough funds)", seconds=60)
    finally:
        send(c, other, owner, gone - 10 ** 18)
    c.until(number, "Committing", "Proving", seconds=90)
    go_on(c, number)


def send(c, sender, to, amount, **gas):
    message = {"To": to, "From": sender, "Value": str(amount), "Method": 0, "Nonce": 0, "Params": "", **gas}
    cid = c.node.ask("Filecoin.MpoolPushMessage", message, None)["CID"]
    found = poll("the money moves", 20, lambda: c.node.ask("Filecoin.StateSearchMsg", [], cid, -1, True))
    if found["Receipt"]["ExitCode"]:
        raise Wrong(f"no money moved: {found}")
    return amount


@scenario("seal", quick=True)
def bad_one_in_batch(c):
    """One of two pre-commits of a batch would fail: the other one goes, this one waits for a person."""
    c.reconfigure(PreCommitBatchWait='"1h"')
    good, bad = c.pledge(2)
    c.until(good, "SubmitPreCommitBatch")
    c.until(bad, "SubmitPreCommitBatch")
    burn_number(c, bad)
    c.run("sectors", "batching", "--flush", "precommit")
    c.until(good, "PreCommitBatchWait", "WaitSeed", "Committing", "Proving")
    c.reconfigure(PreCommitBatchWait='"300ms"')
    c.says(bad, r"number \d+ was used on chain before.*remove")
    c.remove(bad)
    c.until(bad, "Removed")
    go_on(c, good)


def burn_number(c, number):
    """Somebody else uses the number: CompactSectorNumbers."""
    codes = c.node.ask("Filecoin.StateActorCodeCIDs", 28)
    owner = c.node.ask("Filecoin.WalletDefaultAddress")
    params = c.node.ask("Filecoin.StateEncodeParams", codes["storageminer"], 20, {"MaskSectorNumbers": [number, 1]})
    message = {"To": c.address(), "From": owner, "Value": "0", "Method": 20, "Nonce": 0, "Params": params}
    cid = c.node.ask("Filecoin.MpoolPushMessage", message, None)["CID"]
    found = poll("the number is burnt", 20, lambda: c.node.ask("Filecoin.StateSearchMsg", [], cid, -1, True))
    if found["Receipt"]["ExitCode"]:
        raise Wrong(f"CompactSectorNumbers: {found}")


@scenario("expiry")
def pre_commit_expires(c):
    """No worker for so long that the pre-commit expires: the deposit is lost, the sector ends, nothing is computed."""
    number = c.pledge(end="Removed")
    c.until(number, "WaitSeed", "Committing")
    c.pause_worker()
    c.until(number, "Committing")
    c.mine(1230)
    c.until(number, "Removing", "Removed")
    c.resume_worker()
    c.until(number, "Removed")
    c.told(number, "SectorSeedReady", "SectorCommitFailed", "SectorTicketExpired", "SectorRemoved")
    c.mine(300)


# --- The manager ------------------------------------------------------------------------------------------------------


@scenario("seal")
def manager_killed_in_each_state(c):
    """kill -9 of the manager whenever the sector has come into another state."""
    number = c.pledge()
    seen, killed = [], 0
    until = time.monotonic() + 400
    while time.monotonic() < until:
        state = c.state(number)
        if state in seen:
            time.sleep(0.02)
            continue
        seen.append(state)
        if state == "Proving":
            break
        c.stop_manager(signal.SIGKILL)
        killed += 1
        c.start_manager()
    c.until(number, "Proving", seconds=1)
    print(f"     killed {killed} times: {' '.join(seen)}")
    if killed < 6:
        raise Wrong("too few states were seen")


# --- Workers ----------------------------------------------------------------------------------------------------------


@scenario("seal", quick=True)
def token_wrong(c):
    """A worker with a wrong token, one that may not work, and one that is revoked: refused with a sentence that helps."""
    repo = os.path.join(c.folder, "stranger")
    worker = Worker(c, "stranger", repo, Manager=c.worker_url())
    made = c.run("auth", "create-token", "--perm", "worker", "--name", "stranger")
    reader = c.run("auth", "create-token", "--perm", "read", "--name", "reader")
    for token in ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAA", reader["token"]):
        ended(c, worker, token)
    worker.start(TokenFile=c.token_file(made["token"]))
    c.run("auth", "revoke", made["id"])
    poll("the worker hears that its token is revoked", 30,
         lambda: worker.process.poll() is not None or not worker.knows())
    worker.stop()
    ended(c, worker, made["token"])
    again = c.run("auth", "create-token", "--perm", "worker", "--name", "stranger")
    worker.start(TokenFile=c.token_file(again["token"]))
    worker.stop()


@scenario("seal")
def worker_lost(c):
    """The worker is killed in PC1 and comes back: it goes on with the job."""
    c.worker.tell("pc1", "slow 20")
    number = c.pledge()
    poll("PC1 runs", 20, lambda: any(j["state"] == "running" for j in c.jobs(number)))
    c.worker.stop(signal.SIGKILL)
    time.sleep(5)  # the lease ends
    c.says(number, r"PC1")
    c.worker.start()
    c.past(number, "SectorPreCommit2", seconds=30)
    go_on(c, number)


@scenario("seal", quick=True)
def worker_clock_wrong(c):
    """A worker whose clock is two hours behind: told so, and nothing else; another one fetches its files."""
    tool = os.path.join(c.folder, "wrong_clock")
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-O1", "-o", tool, os.path.join(HERE, "wrong_clock.c")], check=True)
    if subprocess.run([tool, "60", "true"]).returncode:
        return print("     not tried: processes may not be traced here")
    late = Worker(c, "late", os.path.join(c.folder, "late"), Manager=c.worker_url(), TokenFile=c.worker_token())
    late.config["Processors"] = late.processors()
    c.pause_worker()
    late.start(tool, "-7200")
    skew = [row["clock_skew_ms"] for row in c.run("sealing", "workers") if row["name"] == "late"][0]
    if not -7210000 < skew < -7190000:
        raise Wrong(f"the clock is said to be {skew} ms off")
    c.logged(r"clock .*72\d\d s behind|clock .*7199 s behind")
    c.logged(r"clock .*(72\d\d|7199) s behind", "late")
    late.tell("pc1", "slow 1")
    number = c.pledge()
    poll("PC1 runs", 20, lambda: any(j["state"] == "running" for j in c.jobs(number)))
    c.run("worker", "pause", "late")
    c.until(number, "PreCommit2")
    c.resume_worker()
    c.past(number, "SectorPreCommit2", seconds=30)
    if not os.path.exists(c.worker.file("sealed", number)):
        raise Wrong("the other worker has not fetched the files")
    late.stop()
    c.run("worker", "resume", "late")
    late.start(tool, "-7200", Tasks={"AP": 0, "PC1": 0, "PC2": 0, "C1": 0, "C2": 0})  # it has copies to remove
    go_on(c, number)


@scenario("seal", quick=True)
def protocol_other(c):
    """Workers of another protocol are refused with a sentence that says who is older."""
    for protocol, older in ((0, "worker"), (99, "manager")):
        try:
            Liar(c, Protocol=protocol)
        except RuntimeError as error:
            print(f"     {error}")
            if f"the {older} is older" not in str(error):
                raise Wrong("it does not say who is older") from None
        else:
            raise Wrong(f"protocol {protocol} was taken")


class Liar:
    """A client that says to be a worker for C2."""

    def __init__(self, c, **changes):
        self.c, self.identity = c, {"Worker": str(uuid.uuid4()), "Session": str(uuid.uuid4())}
        made = c.run("auth", "create-token", "--perm", "worker", "--name", "liar")
        self.token = made["token"]
        row = {"Protocol": 1, "Version": "test", **self.identity, "Name": "liar", "URL": "http://127.0.0.1:1", "ClockMs": int(time.time() * 1000),
               "Cores": 64, "Memory": 1 << 40, "NUMANodes": 1, "Tasks": [{"Task": "C2", "Limit": 1}], "Miners": [],
               "Stores": [], **changes}
        self.ask("Selkie.WorkerRegister", row)

    def ask(self, method, row):
        return self.c.manager(method, row, token=self.token)

    def beat(self, *jobs, leaving=False):
        names = [{"ID": j["ID"], "Lease": j["Lease"], "Stage": "C2", "Unit": "", "Done": 0, "Total": 0, "Reserved": True}
                 for j in jobs]
        return self.ask("Selkie.WorkerBeat", {**self.identity, "Jobs": names, "Stores": [], "FreeMemory": 1 << 40,
                                              "LoadMillis": 0, "Leaving": leaving, "WaitMs": 0})["Start"]

    def done(self, job, result):
        return self.ask("Selkie.JobDone", {"Worker": self.identity["Worker"], "ID": job["ID"], "Lease": job["Lease"],
                                           "Result": result, "Made": [], "Gone": [], "Seconds": 1})


@scenario("seal")
def worker_lies(c):
    """A worker gives a proof that does not hold, without looking: the manager finds it before anything is sent."""
    liar = Liar(c)
    c.worker.stop()
    c.worker.start(Tasks={"C2": 0})
    number = c.pledge()
    job = poll("the liar gets C2", 60, lambda: liar.beat())[0]
    liar.done(job, {"Proof": base64.b64encode(bytes([0xc0]) + bytes(191)).decode()})
    said = c.past(number, "SectorCommitFailed")
    if "does not hold, it is not sent" not in said:
        raise Wrong(f"the log says only: {said}")
    print(f"     {number} {said}")
    liar.beat(leaving=True)
    c.worker.stop()
    c.worker.start(Tasks={"C2": 1})
    c.until(number, "Proving", seconds=900)
    c.told(number, "SectorCommitFailed", "SectorCommitted", "SectorProving")


@scenario("seal", quick=True)
def message_stuck(c):
    """The fee that is allowed is too small for the chain: said so; an operator allows more, and it is the same message."""
    c.run("devnet", "pause")
    c.reconfigure(PerSector='"0.0000000005 FIL"')
    number = c.pledge()
    c.until(number, "PreCommitBatchWait", "SubmitPreCommitBatch")
    c.mine(30)
    said = c.says(number, r"fee cap too low.*message replace --store \S+ --max-fee FIL \S+`")
    words = re.search(r"`selkie (.*)`", said).group(1).replace("FIL", "0.02").split()
    c.reconfigure(PerSector='"0.02 FIL"')
    c.command(*words)
    c.run("devnet", "resume")
    c.until(number, "Committing", "Proving", seconds=90)
    if c.story(number).count("SectorPreCommitBatchSent") != 1:
        raise Wrong("it is not the same message")
    go_on(c, number)


def ended(c, worker, token):
    """This token ends it at once, with a status and a sentence."""
    before = len(c.log_of(worker.name)) if os.path.exists(os.path.join(c.folder, worker.name + ".log")) else 0
    worker.start(wait=False, TokenFile=c.token_file(token))
    status = worker.process.wait(30)
    worker.process = None
    said = c.log_of(worker.name)[before:].strip().splitlines()[-1]
    print(f"     status {status}: {said}")
    if not status or "token" not in said:
        raise Wrong("no sentence about the token")


def main(program, *names):
    known = {s.name: s for s in SCENARIOS}
    if names == ("list",):
        for s in SCENARIOS:
            print(f"{s.name:30} {s.group:8} {'quick' if s.quick else '     '} {s.run.__doc__}")
        return
    quick, names = names[:1] == ("quick",), names[names[:1] == ("quick",):]
    chosen = [known[n] for n in names] if names else [s for s in SCENARIOS if s.quick or not quick]
    results, failed = [], []
    for group in GROUPS:
        if any(s.group == group for s in chosen):
            run_group(program, group, [s for s in chosen if s.group == group], quick, results, failed)
    for name, what, seconds in results:
        print(f"{what:4} {name:30} {seconds:6.1f} s")
    if failed:
        sys.exit("failures.py: " + ", ".join(failed))


def run_group(program, group, chosen, quick, results, failed):
    folder = tempfile.mkdtemp(prefix="selkie-failures-")
    c = Cluster(program, folder, **GROUPS[group])
    c.quick = quick
    try:
        for s in chosen:
            attempt(c, s.name, lambda: s.run(c), results, failed, s.run.__doc__)
        attempt(c, group + ": the end", lambda: c.finish(1200), results, failed, "all sectors are where they should be")
        attempt(c, group + ": stop", c.end, results, failed, "all processes end by themselves")
    finally:
        for process in c.processes.values():
            if process.poll() is None:
                process.kill()
    if not failed or not os.environ.get("SELKIE_KEEP"):
        shutil.rmtree(folder)


def attempt(c, name, run, results, failed, what):
    print(f"---- {name}: {what}", flush=True)
    began = time.monotonic()
    try:
        run()
        results.append((name, "ok", time.monotonic() - began))
    except (Wrong, RuntimeError, OSError, KeyError, IndexError, subprocess.SubprocessError) as error:
        results.append((name, "FAIL", time.monotonic() - began))
        failed.append(name)
        print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
        for role in ("manager", "first"):
            print(f"--- {role}", *c.log_of(role).splitlines()[-25:], sep="\n", flush=True)
        recover(c)


def recover(c):
    """The next scenario finds a cluster that works."""
    for words in (("devnet", "resume"), ("worker", "resume", c.worker.name)):
        try:
            c.run(*words)
        except RuntimeError:
            pass
    for stage in ("pc1", "pc2", "c1", "c2"):
        c.worker.tell(stage)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("failures.py: told to end"))
    main(*sys.argv[1:])
