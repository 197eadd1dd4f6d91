#ifndef SLK_APP_COMMAND_H
#define SLK_APP_COMMAND_H

/* The command line as data: nouns, their verbs, options, positional arguments.
 *
 * Parsing, help, man pages and shell completion all read these tables: a new command is a row in
 * its noun's table (cmd_*.c), a new option a row of SLK_OPT_LIST, a new kind of value a row in
 * value.c. */

#include "selkie/proof_types.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- Values --------------------------------------------------------------------------------- */

/* What an argument means; value.c has parser and wording of each. */
typedef enum {
    SLK_ARG_FLAG,    /* no argument */
    SLK_ARG_WORD,    /* one of a fixed set */
    SLK_ARG_WORDS,   /* some of a fixed set, separated by commas */
    SLK_ARG_SIZE,    /* sector size with registered proofs */
    SLK_ARG_MINER,   /* ID address */
    SLK_ARG_NUMBER,  /* 64 bits */
    SLK_ARG_BYTES,   /* number of bytes; suffixes KiB MiB GiB */
    SLK_ARG_PADDED,  /* piece size: a power of two, suffixes as above */
    SLK_ARG_HASH,    /* 32 bytes hex */
    SLK_ARG_SECONDS, /* above 0, fractions allowed */
    SLK_ARG_THREADS, /* 1 to 1024 */
    SLK_ARG_FILE,
    SLK_ARG_DIR,
    SLK_ARG_NOUN, /* any text, but the nouns are offered for completion */
    SLK_ARG_TEXT, /* no completion; the command parses it */
    SLK_ARG_CNT
} slk_arg_kind_t;

typedef struct {
    const char *text; /* as given, or the default; NULL: neither */
    bool given;
    union {
        uint64_t num; /* MINER NUMBER BYTES PADDED THREADS; WORD: position in its set; WORDS: those
                         positions as bits */
        double seconds;
        slk_node_t node;
        const slk_size_t *size;
    };
} slk_value_t;

/* Parse text into *out. choices: for WORD and WORDS, the words separated by blanks. */
bool slk_value_parse(slk_value_t *out, slk_arg_kind_t kind, const char *choices, const char *text);

/* What is acceptable, to follow "expected ". */
void slk_value_expects(char *out, size_t cap, slk_arg_kind_t kind, const char *choices);

/* Whether a word was named in a value of kind WORDS with these choices. */
bool slk_value_has(const slk_value_t *value, const char *choices, const char *word);

/* The fixed set of words of a value, separated by blanks; "" where there is none. */
const char *slk_value_choices(slk_arg_kind_t kind, const char *choices);

/* --- Options -------------------------------------------------------------------------------- */

/* One row an option: id, name, word for its argument, kind, fixed set, help. */
#define SLK_OPT_LIST(X)                                                                            \
    X(SIZE, "size", "SIZE", SIZE, NULL, "sector size")                                             \
    X(POREP, "porep", "VARIANT", WORD, "v1 v1_1 synth ni",                                         \
      "proof: old graph, interactive, synthetic, non-interactive")                                 \
    X(MINER, "miner", "ID", MINER, NULL, "the miner's ID address: f01000, t01000 or 1000")         \
    X(SECTOR, "sector", "N", NUMBER, NULL, "sector number")                                        \
    X(DIR, "dir", "DIR", DIR, NULL,                                                                \
      "storage path with the folders unsealed/, sealed/ and cache/; created when missing")         \
    X(TICKET, "ticket", "HEX", HASH, NULL, "sealing randomness, 32 bytes")                         \
    X(SEED, "seed", "HEX", HASH, NULL, "interactive randomness, 32 bytes")                         \
    X(COMM_D, "comm-d", "HEX", HASH, NULL, "commitment of the unsealed data, 32 bytes")            \
    X(COMM_R, "comm-r", "HEX", HASH, NULL, "commitment of the sealed sector, 32 bytes")            \
    X(ANY_SIZE, "size", "SIZE", WORD, "2KiB 4KiB 16KiB 32KiB 8MiB 16MiB 512MiB 1GiB 32GiB 64GiB",  \
      "sector size, test sizes included")                                                          \
    X(CIRCUIT, "circuit", "CIRCUIT", WORD, "porep winning window", "which proof's constraints")    \
    X(ANY_CIRCUIT, "circuit", "CIRCUIT", WORD, "porep winning window all",                         \
      "which proof's parameters")                                                                  \
    X(SIZES, "size", "SIZE,SIZE,...", WORDS,                                                       \
      "2KiB 4KiB 16KiB 32KiB 8MiB 16MiB 512MiB 1GiB 32GiB 64GiB", "sector sizes")                  \
    X(CIRCUITS, "circuit", "CIRCUIT,...", WORDS,                                                   \
      "porep winning window update update-poseidon aggregation", "which proofs' files")            \
    X(VK_ONLY, "vk-only", NULL, FLAG, NULL, "verifying keys only")                                 \
    X(MIRRORS, "mirror", "URL,URL,...", TEXT, NULL,                                                \
      "where to fetch from, in this order; the CID is appended, or {name} replaced by the file's") \
    X(MANIFEST, "manifest", "FILE", FILE, NULL,                                                    \
      "list of files in the form of parameters.json, instead of the published ones")               \
    X(PARALLEL, "parallel", "N", THREADS, NULL, "files to fetch at the same time, at most 64")     \
    X(STALL_TIMEOUT, "stall-timeout", "SECONDS", SECONDS, NULL,                                    \
      "leave a mirror that sends less than 1 KiB a second that long")                              \
    X(POINTS, "points", NULL, FLAG, NULL,                                                          \
      "also check every point in the files, which takes much longer")                              \
    X(MAINNET, "yes-this-is-not-a-ceremony", NULL, FLAG, NULL,                                     \
      "make parameters of a size that real networks have, which prove nothing there")              \
    X(IN, "in", "FILE", FILE, NULL, "file to read")                                                \
    X(OUT, "out", "FILE", FILE, NULL, "file to write")                                             \
    X(POST_KIND, "kind", "KIND", WORD, "window winning", "which proof of spacetime")               \
    X(RANDOMNESS, "randomness", "HEX", HASH, NULL, "the chain's randomness, 32 bytes")             \
    X(SECTORS, "sectors", "N,N,...", TEXT, NULL, "sector numbers, separated by commas")            \
    X(REPLICAS, "replicas", "FILE", FILE, NULL, "list of the sectors, JSON")                       \
    X(READERS, "readers", "N", THREADS, NULL, "how much is read at the same time, at most 256")    \
    X(READ_TIMEOUT, "read-timeout", "SECONDS", SECONDS, NULL,                                      \
      "how long one read may take before its sector is given up")                                  \
    X(SECTOR_TIMEOUT, "sector-timeout", "SECONDS", SECONDS, NULL, "how long one sector may take")  \
    X(PIECE_SIZE, "piece-size", "PADDED", PADDED, NULL,                                            \
      "padded size of the piece, zeros behind the data; by default the smallest that holds it")    \
    X(LIMIT, "limit", "BYTES", BYTES, NULL, "read at most that much of FILE")                      \
    X(CHECKPOINT, "checkpoint-seconds", "SECONDS", SECONDS, NULL,                                  \
      "work that a kill may lose at most")                                                         \
    X(LAYERS, "layers", "WHERE", WORD, "auto ram disk",                                            \
      "where the two layers in work are kept; auto: in RAM when they fit")                         \
    X(PARENTS, "parent-cache", "DIR", DIR, NULL,                                                   \
      "folder of the parent cache files, instead of FIL_PROOFS_PARENT_CACHE")                      \
    X(OFFSET, "offset", "BYTES", BYTES, NULL, "first byte wanted, counted without padding")        \
    X(LENGTH, "length", "BYTES", BYTES, NULL, "number of bytes wanted; by default to the end")     \
    X(KEEP_UNSEALED, "keep-unsealed", NULL, FLAG, NULL, "leave the unsealed file where it is")     \
    X(QUICK, "quick", NULL, FLAG, NULL, "compare sizes and roots only, read no file in full")      \
    X(SECONDS, "seconds", "SECONDS", SECONDS, NULL, "time for each measurement")                   \
    X(MAN, "man", NULL, FLAG, NULL, "print the manual page in roff")                               \
    X(API_INFO, "api-info", "TOKEN:ADDRESS", TEXT, NULL,                                           \
      "the node, or several separated by commas; instead of FULLNODE_API_INFO")                    \
    X(FROM, "from", "ADDRESS", TEXT, NULL, "sender")                                               \
    X(MAX_FEE, "max-fee", "FIL", TEXT, NULL, "most that a message may cost")                       \
    X(CONFIDENCE, "confidence", "EPOCHS", NUMBER, NULL, "epochs that have to follow")              \
    X(TIMEOUT, "timeout", "SECONDS", SECONDS, NULL, "give up after that long")                     \
    X(ACTOR, "actor", "ADDRESS", TEXT, NULL, "the miner: f01000, f2..., with f or t")              \
    X(OWNER, "owner", "ADDRESS", TEXT, NULL, "who owns the miner and gets what it earns")          \
    X(WORKER, "worker", "ADDRESS", TEXT, NULL,                                                     \
      "whose bls key signs for the miner; by default the owner")                                   \
    X(PEER_ID, "peer-id", "ID", TEXT, NULL, "peer id of the miner's libp2p node")                  \
    X(NO_WAIT, "no-wait", NULL, FLAG, NULL, "do not wait until the message is on chain")           \
    X(REALLY, "really-do-it", NULL, FLAG, NULL, "send it; without, say what would be sent")        \
    X(UNSET, "unset", NULL, FLAG, NULL, "have none")                                               \
    X(BENEFICIARY, "beneficiary", NULL, FLAG, NULL, "let the beneficiary send it, not the owner")  \
    X(OVERWRITE, "overwrite-pending-change", NULL, FLAG, NULL,                                     \
      "replace a change that is proposed already")                                                 \
    X(EXISTING, "existing-beneficiary", NULL, FLAG, NULL, "the present beneficiary confirms")      \
    X(NOMINEE, "new-beneficiary", NULL, FLAG, NULL, "the new beneficiary confirms")                \
    X(MASK_LAST, "mask-last-offset", "N", NUMBER, NULL,                                            \
      "mask the numbers up to the highest ever used less N")                                       \
    X(MASK_UPTO, "mask-upto-n", "N", NUMBER, NULL, "mask the numbers below N")                     \
    X(STORE, "store", "FILE", FILE, NULL, "selkie's own database")                                 \
    X(KEYSTORE, "keystore", "DIR", DIR, NULL,                                                      \
      "folder of keys; by default $SELKIE_PATH/keystore, ~/.selkie/keystore")                      \
    X(PASSPHRASE, "passphrase-file", "FILE", FILE, NULL,                                           \
      "file with the keystore's passphrase; else SELKIE_PASSPHRASE, else the terminal is asked")   \
    X(PLAIN, "plain", NULL, FLAG, NULL, "do not encrypt the key: for development chains")          \
    X(SIGNER, "signer", "TOKEN:ADDRESS", TEXT, NULL,                                               \
      "sign by lotus-wallet or another node's wallet, as WALLET_API_INFO names it")                \
    X(NODE_WALLET, "node", NULL, FLAG, NULL, "use the wallet of the node, not a keystore")         \
    X(REPO, "repo", "DIR", DIR, NULL,                                                              \
      "folder of a node of the cluster, instead of SELKIE_PATH; default ~/.selkie")                \
    X(BLOCK_TIME, "block-time", "TIME", TEXT, NULL, "time between blocks, as 1s or 250ms")         \
    X(LISTEN, "listen", "ADDRESS:PORT", TEXT, NULL, "where to serve; port 0: any free one")        \
    X(DEVNET_SEED, "seed", "N", NUMBER, NULL, "keys, tickets and null rounds come from it")        \
    X(GENESIS_TIME, "genesis-time", "SECONDS", NUMBER, NULL,                                       \
      "of the first block, since 1970; by default now, or that of the chain that is there")        \
    X(NULL_ROUNDS, "null-rounds", "PERCENT", NUMBER, NULL,                                         \
      "how many epochs have no block, by chance that comes from the seed")                         \
    X(PROVING_PERIOD, "proving-period", "DEADLINESxEPOCHS", TEXT, NULL,                            \
      "deadlines of a proving period and epochs of each, as 4x10; by default 48x60")               \
    X(OPTIMISTIC, "optimistic-post", NULL, FLAG, NULL,                                             \
      "take window PoSts unverified, to be disputed, as real networks do")                         \
    X(PAUSED, "paused", NULL, FLAG, NULL, "make no blocks at first")                               \
    X(REORG_MESSAGES, "messages", "FATE", WORD, "again later lose",                                \
      "of reverted tipsets: in the new branch at once, pending again, or forgotten")               \
    X(COUNT, "count", "N", NUMBER, NULL, "how many")                                               \
    X(STATES, "states", "STATE,STATE,...", TEXT, NULL, "only sectors in these states")             \
    X(LOG, "log", NULL, FLAG, NULL, "also what happened to it so far")                             \
    X(PERM, "perm", "RIGHT", WORD, "read write sign admin worker", "what the token allows")        \
    X(NAME, "name", "NAME", TEXT, NULL, "how it is called in lists")                               \
    X(LOG_FORMAT, "log-format", "FORMAT", WORD, "text json", "lines for people or for machines")   \
    X(LOG_LEVEL, "log-level", "LEVEL", WORD, "debug info warn error",                              \
      "least level that is logged")                                                                \
    X(PLEDGE, "pledge", "N", NUMBER, NULL,                                                         \
      "seal so many committed-capacity sectors; those of an earlier run that are not done count")  \
    X(UNTIL, "until", "WHEN", WORD, "proving windowed",                                            \
      "end when all of them are Proving, or were in a window proof, and say so")                   \
    X(PIECE, "piece", "FILE", FILE, NULL, "also seal a sector with the data of this file")         \
    X(FLUSH, "flush", "KIND", WORD, "precommit commit terminate", "send this batch now")           \
    X(CAN_STORE, "store", NULL, FLAG, NULL, "for long-term storage")                               \
    X(CAN_SEAL, "seal", NULL, FLAG, NULL, "for sealing")                                           \
    X(WEIGHT, "weight", "N", NUMBER, NULL, "preferred over paths of a smaller one")                \
    X(MAX_STORAGE, "max-storage", "BYTES", BYTES, NULL, "use no more than that")                   \
    X(MANAGER_INFO, "manager", "TOKEN:ADDRESS", TEXT, NULL,                                        \
      "the manager to work for, instead of MINER_API_INFO or the one below --repo")                \
    X(CREATE_MINER, "create", NULL, FLAG, NULL, "create the miner on chain first")                 \
    X(MEMORY, "memory", "BYTES", BYTES, NULL,                                                      \
      "memory for the partitions in work; by default half of what is available")                   \
    X(THREADS, "threads", "N", THREADS, NULL, "threads to compute on; by default all CPUs")        \
    X(JSON, "json", NULL, FLAG, NULL, "print the result as JSON, show no progress")                \
    X(QUIET, "quiet", NULL, FLAG, NULL, "show no progress")

typedef enum {
#define SLK_OPT_ENUM(id, ...) SLK_OPT_##id,
    SLK_OPT_LIST(SLK_OPT_ENUM)
#undef SLK_OPT_ENUM
        SLK_OPT_CNT
} slk_opt_id_t;

typedef struct {
    const char *name, *arg;
    slk_arg_kind_t kind;
    const char *choices, *help;
} slk_opt_t;

extern const slk_opt_t slk_opts[SLK_OPT_CNT];

typedef enum { SLK_OPTIONAL, SLK_REQUIRED, SLK_HIDDEN } slk_need_t;

/* An option as one command takes it. */
typedef struct {
    slk_opt_id_t id;
    slk_need_t need;
    const char *preset; /* default, as it would be typed; NULL: none */
    const char *help;   /* instead of the option's own; NULL: that */
} slk_opt_use_t;

/* --- Commands ------------------------------------------------------------------------------- */

typedef struct slk_app slk_app_t;
typedef struct slk_command slk_command_t;

typedef struct {
    const slk_command_t *command;
    bool help; /* asked for */
    slk_value_t opt[SLK_OPT_CNT];
    char **words; /* positional arguments */
    size_t word_cnt;
} slk_args_t;

/* Does the work; see app.h for what it may call. */
typedef slk_err_t slk_run_fn_t(slk_app_t *app, const slk_args_t *args);

struct slk_command {
    const char *noun, *verb; /* verb NULL: the noun alone is the command */
    const char *summary;     /* one line, no full stop */
    const char *details;     /* paragraphs, separated by empty lines; NULL: none */
    const slk_opt_use_t *opts;
    size_t opt_cnt;
    struct {
        const char *name; /* "FILE"; NULL: none are taken */
        const char *help;
        slk_arg_kind_t kind;
        const char *choices;
        size_t min, max;
    } words;
    const char *json;     /* fields of the JSON, "name: meaning" a line; NULL: no JSON */
    const char *examples; /* command lines, one a line, without "selkie"; NULL: none */
    slk_run_fn_t *run;
    void (*show)(const json_t *result, FILE *out); /* for people; NULL: names and values */
};

typedef struct {
    const char *name, *summary;
    const char *details;           /* for help and man page of the noun */
    const slk_command_t *commands; /* ends with a row whose noun is NULL */
    bool man;                      /* has a page of its own, selkie-NAME(1) */
} slk_noun_t;

extern const slk_noun_t slk_nouns[];
extern const size_t slk_noun_cnt;

const slk_noun_t *slk_noun_find(const char *name);
const slk_command_t *slk_command_find(const slk_noun_t *noun, const char *verb);

size_t slk_command_cnt(const slk_noun_t *noun);

/* "selkie seal pc1" */
void slk_command_title(char out[64], const slk_command_t *command);

/* Of cnt names, the one that text was probably meant to be; NULL: none is near. */
const char *slk_nearest(const char *text, const char *const *names, size_t cnt);

/* Parse what follows noun and verb. False: `why` says what is wrong, a sentence without full stop.
 * With args->help the rest is not checked. words are pointers into argv; free with
 * slk_args_fini. */
bool slk_args_parse(slk_args_t *args, const slk_command_t *command, int argc, char **argv,
                    slk_diag_t *why);
void slk_args_fini(slk_args_t *args);

/* --- Texts made from the tables -------------------------------------------------------------- */

void slk_help_program(FILE *out);
void slk_help_noun(FILE *out, const slk_noun_t *noun);
void slk_help_command(FILE *out, const slk_command_t *command);

/* "--size SIZE --porep VARIANT ... FILE" in one line, optional parts in brackets. */
void slk_help_synopsis(FILE *out, const slk_command_t *command);

/* Manual page of a noun, or of the program when noun is NULL. */
void slk_man_page(FILE *out, const slk_noun_t *noun);

void slk_completion_bash(FILE *out);
void slk_completion_zsh(FILE *out);

#endif /* SLK_APP_COMMAND_H */
