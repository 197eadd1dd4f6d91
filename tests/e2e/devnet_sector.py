#!/usr/bin/env python3
"""The life of one real 2KiB sector on a development network, by hand: create a miner, seal, pre-commit, wait,
prove-commit with a real proof, window PoSt, a missed one. On the way what must be refused is tried, and the actor's exit
code compared: a wrong proof, seed, nonce, signature, deposit, an expired pre-commit, a number used twice.

    tests/e2e/devnet_sector.py build/selkie

Needs the 2KiB parameters of porep and window in FIL_PROOFS_PARAMETER_CACHE (`selkie params generate`). About a minute of one CPU.
"""

import base64
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile

SEAL_PROOF, WINDOW_POST = 5, 10
TAG_WINDOW, TAG_SEAL, TAG_SEED, TAG_COMMIT = 4, 5, 6, 9
CHALLENGE_DELAY = 10
CLEAN_UP = 1500  # epochs, enough for expired pre-commits to be removed


class Refused(Exception):
    """An error that the node answered."""

    def exit_code(self):
        found = re.search(r"\(RetCode=(\d+)\)", str(self))
        return int(found.group(1)) if found else None


class Devnet:
    def __init__(self, selkie, folder):
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen(
            [selkie, "devnet", "run", "--repo", folder, "--listen", "127.0.0.1:0", "--proving-period", "4x10",
             "--paused", "--threads", "1"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        info = self.process.stdout.readline().strip().split("=", 1)[1]
        self.token, address = info.split(":", 1)
        self.port = int(address.split("/")[4])
        self.owner = self.ask("Filecoin.WalletDefaultAddress")
        self.codes = self.ask("Filecoin.StateActorCodeCIDs", 28)

    def ask(self, method, *params):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        connection.request("POST", "/rpc/v1", body, {"Authorization": "Bearer " + self.token})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if "error" in answer:
            raise Refused(answer["error"]["message"])
        return answer["result"]

    def mine(self, epochs):
        return self.ask("Selkie.DevnetMine", epochs)

    def height(self):
        return self.ask("Filecoin.ChainHead")["Height"]

    def head(self):
        return self.ask("Filecoin.ChainHead")["Cids"]

    def send(self, to, kind, method, params, value=0):
        """A message of the owner's, on the chain; its lookup."""
        message = {"To": to, "From": self.owner, "Value": str(value), "Method": method, "Nonce": 0,
                   "Params": self.ask("Filecoin.StateEncodeParams", self.codes[kind], method, params)}
        cid = self.ask("Filecoin.MpoolPushMessage", message, None)["CID"]
        self.mine(2)
        lookup = self.ask("Filecoin.StateWaitMsg", cid, 0, -1, True)
        assert lookup["Receipt"]["ExitCode"] == 0, lookup
        return lookup

    def end(self):
        self.process.terminate()
        status = self.process.wait(30)
        self.log.close()
        return status


def say(text):
    print(text, flush=True)


def refused(what, exit_code, call, *args):
    """The call must be refused with this exit code (None: a text instead), given as a number or a text."""
    try:
        call(*args)
    except Refused as error:
        if isinstance(exit_code, str):
            assert exit_code in str(error), error
        else:
            assert error.exit_code() == exit_code, error
        say(f"refused, as it must be: {what} ({exit_code})")
        return
    raise AssertionError(what + " was not refused")


def hex_of(text):
    return base64.b64decode(text).hex()


def base64_of(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def spoilt(proof):
    data = bytearray(base64.b64decode(proof))
    data[100] ^= 1
    return base64.b64encode(bytes(data)).decode()


def entropy_of(miner):
    """CBOR of the miner's ID address."""
    number, payload = int(miner[2:]), bytearray([0])
    while number >= 128:
        payload.append(number & 127 | 128)
        number >>= 7
    payload.append(number)
    return base64.b64encode(bytes([0x40 + len(payload)]) + payload).decode()


class Sector:
    """One sector of a miner: files by `selkie seal`, messages by the devnet."""

    def __init__(self, selkie, devnet, miner, folder, number):
        self.selkie, self.devnet, self.miner, self.folder, self.number = selkie, devnet, miner, folder, number
        self.entropy = entropy_of(miner)
        self.common = ["--size", "2KiB", "--miner", miner, "--sector", str(number), "--dir",
                       os.path.join(folder, "storage")]

    def run(self, *args):
        done = subprocess.run([self.selkie, *args, "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def path(self, name):
        return os.path.join(self.folder, name)

    def seal(self):
        self.ticket_epoch = self.devnet.height() - 2
        self.ticket = hex_of(self.devnet.ask("Filecoin.StateGetRandomnessFromTickets", TAG_SEAL, self.ticket_epoch,
                                             self.entropy, self.devnet.head()))
        self.run("seal", "pc1", *self.common, "--ticket", self.ticket)
        done = self.run("seal", "pc2", *self.common)
        self.sealed_cid, self.comm_r = done["sealed_cid"], done["comm_r"]

    def pre_commit(self, number=None, miner=None):
        policy = self.devnet.ask("Filecoin.StateGetNetworkParams")["SelkieDevnetPolicy"]
        expiration = self.devnet.height() + policy["MaxProveCommitDuration"] + policy["MinSectorExpiration"] + 200
        info = {"SealProof": SEAL_PROOF, "SectorNumber": self.number if number is None else number,
                "SealedCID": {"/": self.sealed_cid}, "SealRandEpoch": self.ticket_epoch, "DealIDs": None,
                "Expiration": expiration, "UnsealedCid": None}
        return self.devnet.send(miner or self.miner, "storageminer", 28, {"Sectors": [info]})

    def prove(self, seed_epoch, out):
        seed = hex_of(self.devnet.ask("Filecoin.StateGetRandomnessFromBeacon", TAG_SEED, seed_epoch, self.entropy,
                                      None))
        self.run("seal", "c1", *self.common, "--ticket", self.ticket, "--seed", seed, "--out", self.path("c1"))
        self.run("seal", "c2", "--miner", self.miner, "--sector", str(self.number), "--in", self.path("c1"), "--out",
                 self.path(out))
        return base64_of(self.path(out))

    def pre_commit_epoch(self):
        return self.devnet.ask("Filecoin.StateSectorPreCommitInfo", self.miner, self.number, None)["PreCommitEpoch"]

    def commit(self, proof):
        params = {"SectorActivations": [{"SectorNumber": self.number, "Pieces": None}],
                  "SectorProofs": [proof], "AggregateProof": None, "AggregateProofType": None,
                  "RequireActivationSuccess": True, "RequireNotificationSuccess": False}
        return self.devnet.send(self.miner, "storageminer", 34, params)

    def await_window(self, place):
        while True:
            deadline = self.devnet.ask("Filecoin.StateMinerProvingDeadline", self.miner, None)
            if deadline["Index"] == place["Deadline"] and deadline["CurrentEpoch"] >= deadline["Open"]:
                return deadline
            self.devnet.mine(1)

    def window_post(self, deadline):
        randomness = hex_of(self.devnet.ask("Filecoin.StateGetRandomnessFromBeacon", TAG_WINDOW,
                                            deadline["Challenge"], self.entropy, None))
        name = f"s-{self.miner}-{self.number}"
        with open(self.path("replicas"), "w") as file:
            json.dump([{"sector": self.number, "comm_r": self.comm_r,
                        "cache": os.path.join(self.folder, "storage", "cache", name),
                        "sealed": os.path.join(self.folder, "storage", "sealed", name)}], file)
        self.run("post", "prove", "--kind", "window", "--size", "2KiB", "--miner", self.miner, "--randomness",
                 randomness, "--replicas", self.path("replicas"), "--out", self.path("post"))
        return base64_of(self.path("post"))

    def submit(self, deadline, place, proof):
        commit = self.devnet.ask("Filecoin.StateGetRandomnessFromTickets", TAG_COMMIT, deadline["Challenge"], None,
                                 self.devnet.head())
        params = {"Deadline": place["Deadline"], "Partitions": [{"Index": place["Partition"], "Skipped": []}],
                  "Proofs": [{"PoStProof": WINDOW_POST, "ProofBytes": proof}],
                  "ChainCommitEpoch": deadline["Challenge"], "ChainCommitRand": commit}
        return self.devnet.send(self.miner, "storageminer", 5, params)


def create_miner(devnet, spare):
    """With the deposit that a miner needs, and so many attoFIL more; its ID address."""
    deposit = int(devnet.ask("Filecoin.StateMinerCreationDeposit", None)) * 101 // 100
    params = {"Owner": devnet.owner, "Worker": devnet.owner, "WindowPoStProofType": WINDOW_POST,
              "Peer": base64.b64encode(b"peer").decode(), "Multiaddrs": None}
    return devnet.send("t04", "storagepower", 2, params, deposit + spare)["ReturnDec"]["IDAddress"]


def power_of(devnet, miner):
    return int(devnet.ask("Filecoin.StateMinerPower", miner, None)["MinerPower"]["RawBytePower"])


def check_messages(devnet):
    """A nonce that was used, and a signature of other bytes."""
    message = {"To": devnet.owner, "From": devnet.owner, "Value": "1", "Method": 0, "Nonce": 0, "GasLimit": 5000000,
               "GasFeeCap": "200000000", "GasPremium": "100000", "Params": None}
    signed = devnet.ask("Filecoin.WalletSignMessage", devnet.owner, message)
    refused("an old nonce", "message nonce too low", devnet.ask, "Filecoin.MpoolPush", signed)
    signed["Message"]["Nonce"] = devnet.ask("Filecoin.MpoolGetNonce", devnet.owner)
    refused("a signature of another message", "signature", devnet.ask, "Filecoin.MpoolPush", signed)


def life(selkie, devnet, folder):
    devnet.mine(25)
    miner = create_miner(devnet, 10**21)
    poor = create_miner(devnet, 0)
    say(f"miner {miner}")
    check_messages(devnet)

    sector = Sector(selkie, devnet, miner, folder, 1)
    sector.seal()
    refused("a deposit that the miner does not have", 19, sector.pre_commit, 1, poor)
    sector.pre_commit()
    late = Sector(selkie, devnet, miner, folder, 2)
    late.seal()
    late.pre_commit()
    refused("a number used twice", 16, sector.pre_commit)
    seed_epoch = sector.pre_commit_epoch() + CHALLENGE_DELAY
    say(f"pre-committed at {sector.pre_commit_epoch()}")
    refused("a proof too early", 18, sector.commit, "A" * 256)
    devnet.mine(CHALLENGE_DELAY + 2)

    refused("a proof for another seed", 16, sector.commit, sector.prove(seed_epoch + 1, "other"))
    proof = sector.prove(seed_epoch, "proof")
    late_proof = late.prove(late.pre_commit_epoch() + CHALLENGE_DELAY, "late")
    refused("a proof with one bit changed", 16, sector.commit, spoilt(proof))
    sector.commit(proof)
    assert devnet.ask("Filecoin.StateSectorGetInfo", miner, 1, None)["SealedCID"]["/"] == sector.sealed_cid
    assert power_of(devnet, miner) == 0
    refused("a sector proven twice", 17, sector.commit, proof)
    place = devnet.ask("Filecoin.StateSectorPartition", miner, 1, None)
    say(f"on chain, in deadline {place['Deadline']}")

    deadline = sector.await_window(place)
    post = sector.window_post(deadline)
    refused("a window proof with one bit changed", 16, sector.submit, deadline, place, spoilt(post))
    sector.submit(deadline, place, post)
    devnet.mine(1)
    assert power_of(devnet, miner) == 2048
    say("proven: 2048 bytes of power")

    devnet.mine(2 * deadline["WPoStProvingPeriod"])
    assert devnet.ask("Filecoin.StateMinerFaults", miner, None) == [1, 1]
    assert power_of(devnet, miner) == 0
    say("a window missed: faulty, no power")

    policy = devnet.ask("Filecoin.StateGetNetworkParams")["SelkieDevnetPolicy"]
    devnet.mine(policy["MaxProveCommitDuration"])
    refused("a good proof of an expired pre-commit", 16, late.commit, late_proof)
    devnet.mine(CLEAN_UP)
    assert devnet.ask("Filecoin.StateSectorPreCommitInfo", miner, 2, None) is None
    refused("a good proof of a pre-commit that is gone", 17, late.commit, late_proof)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        devnet = Devnet(os.path.abspath(sys.argv[1]), folder)
        try:
            life(os.path.abspath(sys.argv[1]), devnet, folder)
        finally:
            status = devnet.end()
        assert status == 0, status
    say("all as it must be")


if __name__ == "__main__":
    main()
