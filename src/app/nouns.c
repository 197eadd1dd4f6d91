#include "app/nouns.h"

/* In the order of the help. The tables themselves stand in cmd_*.c beside the code they call. */
const slk_noun_t slk_nouns[] = {
    {"run", "everything on one machine: development network, manager, worker",
     "To try selkie out, and to run a small site: the roles that `selkie devnet`, `selkie manager` "
     "and `selkie worker` start by themselves, on loopback and looked after.",
     slk_run_commands, true},
    {"manager", "the manager: takes sectors through their lives",
     "One process that follows the chain, decides what each sector of its miners does next, gives "
     "jobs to "
     "workers and sends messages. Everything of it lies in manager/ below the repo.",
     slk_manager_commands, true},
    {"worker", "a worker: does what a manager gives it",
     "Any number of machines. A worker takes jobs over HTTP with a token, does the heavy ones in "
     "processes "
     "of their own, and keeps sector files in its storage paths (selkie store). Everything of it "
     "lies in "
     "worker/ below the repo.",
     slk_worker_commands, true},
    {"sectors", "the sectors of a manager",
     "What they are, what they wait for, and what a person can do about it. States, events and "
     "failures have "
     "the names that lotus-miner gives them. The manager is named by --api-info or MINER_API_INFO, "
     "or "
     "found below the repo.",
     slk_sectors_commands, true},
    {"sealing", "jobs, workers, and why each is where it is",
     "The manager is named as for `selkie sectors`.", slk_sealing_commands, true},
    {"proving", "window proofs: deadlines, partitions, faults",
     "What the chain has of the miner's deadlines, and what the manager does to prove them. The "
     "manager is named as for `selkie sectors`.",
     slk_proving_commands, true},
    {"store", "storage paths of workers, and what lies where",
     "A path is a folder with Lotus' sectorstore.json, that says what it is for: CanSeal while "
     "sectors are "
     "made, CanStore and CanFinal for those that are proven. A path of lotus-miner can be attached "
     "as it "
     "is.",
     slk_store_commands, true},
    {"auth", "tokens for the manager's API",
     "Every call of the manager but /health, /metrics and the page itself wants a token. The one "
     "in manager/token may do all; make others with fewer rights, and revoke them when they are "
     "lost.",
     slk_auth_commands, true},
    {"config", "the manager's configuration",
     "One file, manager/config.toml below the repo, in TOML. What it does not say is at its "
     "default; a key that is not known is an error. SIGHUP makes a running manager read it again.",
     slk_config_commands, true},
    {"seal", "seal a sector and get it back",
     "The steps of a sector's life, each a command: add-piece for every piece (none for a sector "
     "of committed capacity), pc1, pc2, c1. Files lie below --dir in Lotus' layout, "
     "unsealed/s-t0MINER-SECTOR, sealed/s-t0MINER-SECTOR and cache/s-t0MINER-SECTOR/, and have the "
     "names and bytes of rust-fil-proofs.\n\n"
     "A step that was interrupted or killed is simply called again. One process at a time works "
     "on a sector.",
     slk_seal_commands, true},
    {"piece", "commitments of pieces of data",
     "A piece is data padded to a power of two. Its commitment (CommP) names it in deals; the "
     "commitments of a sector's pieces give that of the unsealed sector (CommD).",
     slk_piece_commands, true},
    {"post", "prove that sealed sectors are still stored",
     "Proofs of spacetime: window proofs of all sectors, once a day, and winning proofs of the one "
     "sector that a lottery picks. Both show leaves of sealed files that the chain's randomness "
     "decides on.",
     slk_post_commands, true},
    {"params", "parameters of proofs, and the constraints they belong to",
     "Parameters are made for the constraints of one circuit and one sector size, and serve no "
     "other.",
     slk_params_commands, true},
    {"chain", "look at the chain through a node",
     "Any node that speaks the Lotus API will do. It is named by --api-info or FULLNODE_API_INFO: "
     "token and address, as `lotus auth api-info` prints them; several are separated by commas.",
     slk_chain_commands, true},
    {"message", "messages on their way to the chain",
     "A message is pending until a block has it, and done when enough epochs follow the one that "
     "executed it. The node is named as for `selkie chain`.",
     slk_message_commands, true},
    {"wallet", "keys, and what their addresses have",
     "Keys lie in a folder (--keystore), each in a file of its own, encrypted with one passphrase "
     "for all; or in the "
     "wallet of a node (--node), or behind lotus-wallet or what speaks like it (--signer). A "
     "keystore needs no node but for balances.",
     slk_wallet_commands, true},
    {"devnet", "a development network on this machine",
     "An embedded chain for tests, with which one machine can run the whole life of a sector: real "
     "rules, real proofs, the API that every node speaks, and time and trouble on command.",
     slk_devnet_commands, true},
    {"actor", "the miner actor: who may do what, and its money",
     "Any node will do (see `selkie chain`); the miner is named by --actor. Messages are signed by "
     "the node's wallet, for which the token needs the right to sign; or with --keystore here; or "
     "by "
     "lotus-wallet or another node's wallet, which --signer or WALLET_API_INFO names. The last two "
     "keep "
     "them in --store, so that none is ever sent twice. A command waits until its message is on "
     "chain and deep enough; status 1 when it failed there.\n\n"
     "What is hard to take back is only shown, unless --really-do-it is given.",
     slk_actor_commands, true},
    {"processor", "do the tasks of a worker, in a process of its own",
     "Reads tasks from standard input and answers on standard output, a JSON object a line: the "
     "protocol of damocles' external processors. A worker of damocles can use these, and one of "
     "selkie those of damocles or any others.\n\n"
     "The first line is `STAGE processor ready`. Then for each {\"id\":N,\"task\":{...}} comes "
     "{\"id\":N,\"err_msg\":null,\"output\":...}, or an err_msg and no output; several tasks run "
     "at the same time. In tasks, 32 bytes are 32 numbers, sizes of pieces are bytes without "
     "padding, prover_id is the number of the miner as LEB128 filled with zeros. A member selkie "
     "of a task has what damocles' tasks lack. With SELKIE_PROCESSOR_PROGRESS=1 there is a line "
     "{\"progress\":{...}} a second, and {\"cancel\":N} ends a task.\n\n"
     "End of standard input and SIGTERM end it; what is running is cancelled, pc1 after a "
     "checkpoint. VC_CG_NAME and VC_CG_CPUSET name a cgroup to join and its CPUs, "
     "VENUS_WORKER_NUMA_PREFERRED a NUMA node, SELKIE_PROCESSOR_CPUS the CPUs to run on.",
     slk_processor_commands, true},
    {"bench", "measure this machine",
     "Figures of this machine, each beside the limit measured in the same run. Nothing else "
     "should run meanwhile. A share is limit through value for times, value through limit for "
     "speeds: 1 means that no more can be had.",
     slk_bench_commands, true},
    {"completion", "completion for a shell", NULL, slk_completion_commands, false},
    {"help", "how to use a command", NULL, slk_help_commands, false},
};
const size_t slk_noun_cnt = sizeof slk_nouns / sizeof slk_nouns[0];
