#!/usr/bin/env python3
"""A processor of somebody else: damocles' fields and its ready line, and nothing more.

    tests/e2e/foreign.py SELKIE STAGE

Selkie's own processor does the work behind it; requests and answers that have a member which damocles does not know are
refused.
"""

import json
import os
import subprocess
import sys

TASKS = {
    "pc1": {"registered_proof", "cache_path", "in_path", "out_path", "prover_id", "sector_id", "ticket", "piece_infos"},
    "pc2": {"pc1out", "cache_dir", "sealed_file"},
    "c2": {"c1out", "prover_id", "sector_id", "miner_id"},
}


def main(program, stage):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SELKIE_PROCESSOR")}
    child = subprocess.Popen([program, "processor", stage], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env=environment)
    child.stdout.readline()
    print(f"{stage} processor ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        task = {k: v for k, v in request["task"].items() if k in TASKS[stage]}
        missing = TASKS[stage] - set(task)
        if missing:
            print(json.dumps({"id": request["id"], "err_msg": f"missing {sorted(missing)}", "output": None}), flush=True)
            continue
        print(f"foreign: {stage} of sector {task.get('sector_id')}", file=sys.stderr, flush=True)
        child.stdin.write(json.dumps({"id": request["id"], "task": task}) + "\n")
        child.stdin.flush()
        answer = json.loads(child.stdout.readline())
        output = answer["output"]
        if isinstance(output, dict):
            output.pop("selkie", None)
        print(json.dumps({"id": answer["id"], "err_msg": answer["err_msg"], "output": output}), flush=True)
    child.stdin.close()
    child.wait()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
