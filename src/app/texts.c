#include "app/texts.h"

#include "selkie/cpu.h"

#include <stdio.h>
#include <string.h>

const char slk_text_summary[] = "seal Filecoin sectors";

const char slk_text_about[] =
    "selkie turns data, or nothing, into sealed Filecoin sectors and back. Its files have the "
    "names and the bytes of rust-fil-proofs, so that either program can take over from the other "
    "after any step. It needs no GPU; the instructions that the CPU has for SHA-256 and Poseidon "
    "are used, and every choice of them gives the same bytes.";

const slk_text_row_t slk_text_statuses[3] = {
    {"0", "Done; for a command that checks something: all is well."},
    {"1", "Failed, or not well. The reason is on standard error."},
    {"2", "Wrong usage of the command line."},
};

const slk_text_row_t slk_text_environment[9] = {
    {"SELKIE_CPU", "Which instructions to hash with, auto by default."},
    {"FIL_PROOFS_PARENT_CACHE",
     "Folder of the parent cache files, shared with other programs of the field. When it is set, "
     "PC1 makes the file of its graph there if there is none; otherwise parents are computed, or "
     "read from /var/tmp/filecoin-parents if the file lies there."},
    {"FIL_PROOFS_CACHE_DIR", "The same, with filecoin-parents appended, when the former is unset."},
    {"FIL_PROOFS_PARAMETER_CACHE",
     "Folder of the parameters and verifying keys of proofs, shared with other programs of the "
     "field. /var/tmp/filecoin-proof-parameters by default."},
    {"FULLNODE_API_INFO", "The node of the commands that look at the chain: TOKEN:ADDRESS, several "
                          "separated by commas."},
    {"MINER_API_INFO",
     "The manager of the commands that ask one, TOKEN:ADDRESS as selkie auth api-info "
     "prints it; a worker's manager as well."},
    {"WALLET_API_INFO", "A wallet that signs, as lotus-wallet, TOKEN:ADDRESS."},
    {"SELKIE_PATH", "Folder of a node of the cluster, of its keys too. ~/.selkie by default."},
    {"IPFS_GATEWAY", "Where selkie params fetch gets files that it is not told a mirror for, a URL "
                     "before the CID. https://proofs.filecoin.io/ipfs/ by default."},
};

void slk_text_cpus(char *out, size_t cap)
{
    *out = '\0';
    for (int i = 0; i < SLK_CPU_CNT; i++) {
        size_t used = strlen(out);
        snprintf(out + used, cap - used, "%s%s (%s)", i ? ", " : "", slk_cpu_name((slk_cpu_t)i),
                 slk_cpu_needs((slk_cpu_t)i));
    }
}
