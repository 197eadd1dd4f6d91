#include "app/actor_calls.h"
#include "app/app.h"
#include "app/node_use.h"
#include "app/nouns.h"

#include "base/assert.h"

#include <string.h>

/* --- Running ------------------------------------------------------------------------------- */

static slk_err_t actor_use(slk_actor_use_t *use, slk_node_use_t *node, slk_app_t *app,
                           const slk_args_t *args)
{
    const slk_value_t *timeout = &args->opt[SLK_OPT_TIMEOUT];
    const bool keystore = args->opt[SLK_OPT_KEYSTORE].given;
    const char *signer = keystore ? NULL : slk_signer_use(args, true);
    bool asks = false, sends = false; /* the command knows --really-do-it; sends messages */
    for (size_t i = 0; i < args->command->opt_cnt; i++) {
        asks = asks || args->command->opts[i].id == SLK_OPT_REALLY;
        sends = sends || args->command->opts[i].id == SLK_OPT_CONFIDENCE;
    }
    *use = (slk_actor_use_t){
        .wallet = {.at_node = !keystore && !signer,
                   .signer = signer,
                   .use = node,
                   .keystore = args->opt[SLK_OPT_KEYSTORE].text,
                   .passphrase_file = args->opt[SLK_OPT_PASSPHRASE].text},
        .store = args->opt[SLK_OPT_STORE].text,
        .max_fee = args->opt[SLK_OPT_MAX_FEE].text,
        .confidence = args->opt[SLK_OPT_CONFIDENCE].num,
        .timeout = timeout->text ? timeout->seconds : 0,
        .no_wait = args->opt[SLK_OPT_NO_WAIT].given,
        .dry = asks && !args->opt[SLK_OPT_REALLY].given,
        .actor = args->opt[SLK_OPT_ACTOR].text,
        .from = args->opt[SLK_OPT_FROM].text,
    };
    slk_err_t err = sends ? slk_actor_check(use, &app->diag) : SLK_OK;
    if (err == SLK_OK)
        err = slk_node_use(node, app, args);
    app->go_on = NULL; /* what became of the message stands in the diagnosis */
    return err;
}

/* What every command ends with: usage, and a failure on chain as a "no". */
static slk_err_t finish(slk_app_t *app, const slk_args_t *args, slk_err_t err, bool failed)
{
    char title[64];
    if (err == SLK_OK && failed) {
        app->answer_no = true;
        slk_progress_view_stop(app->view);
        app->view = NULL;
        slk_command_title(title, args->command);
        fprintf(stderr, "%s: %s\n", title, app->diag.text);
    }
    return slk_node_usage(app, err);
}

/* A command with a body that says `err = slk_actor_...(&use, ..., RESULT)`. */
#define RESULT &app->result, &failed, &app->diag
#define RUN(name, body)                                                                            \
    static slk_err_t run_##name(slk_app_t *app, const slk_args_t *args)                            \
    {                                                                                              \
        slk_actor_use_t use;                                                                       \
        slk_node_use_t node;                                                                       \
        bool failed = false;                                                                       \
        slk_err_t err = actor_use(&use, &node, app, args);                                         \
        if (err == SLK_OK)                                                                         \
            err = body;                                                                            \
        return finish(app, args, err, failed);                                                     \
    }

#define WORD(i)   (args->word_cnt > (i) ? args->words[i] : NULL)
#define GIVEN(id) (args->opt[SLK_OPT_##id].given)

static slk_err_t create(const slk_actor_use_t *use, slk_app_t *app, const slk_args_t *args,
                        bool *failed)
{
    slk_actor_new_t what = {.owner = args->opt[SLK_OPT_OWNER].text,
                            .worker = args->opt[SLK_OPT_WORKER].text,
                            .peer_id = args->opt[SLK_OPT_PEER_ID].text,
                            .size = args->opt[SLK_OPT_SIZE].size->bytes};
    return slk_actor_create(use, &what, &app->result, failed, &app->diag);
}

static slk_err_t set_addrs(const slk_actor_use_t *use, slk_app_t *app, const slk_args_t *args,
                           bool *failed)
{
    if (GIVEN(UNSET) == (args->word_cnt > 0))
        return slk_app_usage(app, "give the addresses, or --unset for none");
    return slk_actor_set_addrs(use, args->words, args->word_cnt, &app->result, failed, &app->diag);
}

static slk_err_t control(const slk_actor_use_t *use, slk_app_t *app, const slk_args_t *args,
                         bool *failed)
{
    const char *what = WORD(0);
    if (!what || (strcmp(what, "list") == 0 && args->word_cnt == 1))
        return slk_actor_control_list(use, &app->result, &app->diag);
    if (strcmp(what, "set") != 0)
        return slk_app_usage(app, "'%.60s': expected list, or set and the addresses", what);
    return slk_actor_control_set(use, args->words + 1, args->word_cnt - 1, &app->result, failed,
                                 &app->diag);
}

static slk_err_t compact(const slk_actor_use_t *use, slk_app_t *app, const slk_args_t *args,
                         bool *failed)
{
    const slk_value_t *last = &args->opt[SLK_OPT_MASK_LAST], *upto = &args->opt[SLK_OPT_MASK_UPTO];
    if (last->given == upto->given)
        return slk_app_usage(app, "give one of --mask-last-offset and --mask-upto-n");
    return slk_actor_compact(use, last->given, last->given ? last->num : upto->num, &app->result,
                             failed, &app->diag);
}

static slk_err_t confirm_beneficiary(const slk_actor_use_t *use, slk_app_t *app,
                                     const slk_args_t *args, bool *failed)
{
    if (GIVEN(EXISTING) == GIVEN(NOMINEE))
        return slk_app_usage(app, "give one of --existing-beneficiary and --new-beneficiary");
    return slk_actor_confirm_beneficiary(use, GIVEN(NOMINEE), &app->result, failed, &app->diag);
}

RUN(create, create(&use, app, args, &failed))
RUN(info, slk_actor_info(&use, &app->result, &app->diag))
RUN(set_addrs, set_addrs(&use, app, args, &failed))
RUN(set_peer_id, slk_actor_set_peer_id(&use, WORD(0), RESULT))
RUN(set_owner, slk_actor_set_owner(&use, WORD(0), WORD(1), RESULT))
RUN(control, control(&use, app, args, &failed))
RUN(propose_worker, slk_actor_propose_worker(&use, WORD(0), RESULT))
RUN(confirm_worker, slk_actor_confirm_worker(&use, WORD(0), RESULT))
RUN(withdraw, slk_actor_withdraw(&use, WORD(0), GIVEN(BENEFICIARY), RESULT))
RUN(repay_debt, slk_actor_repay_debt(&use, WORD(0), RESULT))
RUN(compact, compact(&use, app, args, &failed))
RUN(set_beneficiary,
    slk_actor_set_beneficiary(&use, WORD(0), WORD(1), WORD(2), GIVEN(OVERWRITE), RESULT))
RUN(confirm_beneficiary, confirm_beneficiary(&use, app, args, &failed))

RUN(send, slk_wallet_send(&use, WORD(0), WORD(1), RESULT))

slk_err_t slk_run_wallet_send(slk_app_t *app, const slk_args_t *args)
{
    return run_send(app, args);
}

/* --- Tables -------------------------------------------------------------------------------- */

#define SENDING_OPTS                                                                               \
    {SLK_OPT_MAX_FEE, SLK_OPTIONAL, NULL, "most that the message may cost; by default 0.07 FIL"},  \
        {SLK_OPT_CONFIDENCE, SLK_OPTIONAL, "5", NULL},                                             \
        {SLK_OPT_TIMEOUT, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_NO_WAIT, SLK_OPTIONAL, NULL, NULL},  \
        {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, "sign with a key of this folder; needs --store"},   \
        {SLK_OPT_PASSPHRASE, SLK_OPTIONAL, NULL, NULL},                                            \
        {SLK_OPT_SIGNER, SLK_OPTIONAL, NULL, NULL},                                                \
        {SLK_OPT_STORE, SLK_OPTIONAL, NULL,                                                        \
         "database that keeps the message, also when this command is killed"},                     \
        {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},                                              \
    {                                                                                              \
        SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL                                                     \
    }
#define MINER_OPT                                                                                  \
    {                                                                                              \
        SLK_OPT_ACTOR, SLK_REQUIRED, NULL, NULL                                                    \
    }
#define REALLY_OPT                                                                                 \
    {                                                                                              \
        SLK_OPT_REALLY, SLK_OPTIONAL, NULL, NULL                                                   \
    }

/* clang-format off */
static const slk_opt_use_t create_opts[] = {
    {SLK_OPT_OWNER, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_WORKER, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_FROM, SLK_OPTIONAL, NULL, "who sends the message and pays; by default the owner"},
    {SLK_OPT_SIZE, SLK_REQUIRED, NULL, NULL},
    {SLK_OPT_PEER_ID, SLK_OPTIONAL, NULL, NULL},
    SENDING_OPTS};
static const slk_opt_use_t info_opts[] = {
    MINER_OPT,
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL}};
static const slk_opt_use_t set_addrs_opts[] = {
    MINER_OPT,
    {SLK_OPT_FROM, SLK_OPTIONAL, NULL, "owner, worker or control address; by default the worker"},
    {SLK_OPT_UNSET, SLK_OPTIONAL, NULL, NULL},
    SENDING_OPTS};
static const slk_opt_use_t plain_opts[] = {MINER_OPT, SENDING_OPTS};
static const slk_opt_use_t really_opts[] = {MINER_OPT, REALLY_OPT, SENDING_OPTS};
static const slk_opt_use_t withdraw_opts[] = {
    MINER_OPT,
    {SLK_OPT_BENEFICIARY, SLK_OPTIONAL, NULL, NULL},
    SENDING_OPTS};
static const slk_opt_use_t repay_opts[] = {
    MINER_OPT,
    {SLK_OPT_FROM, SLK_OPTIONAL, NULL, "owner, worker or control address; by default the worker"},
    SENDING_OPTS};
static const slk_opt_use_t compact_opts[] = {
    MINER_OPT,
    {SLK_OPT_MASK_LAST, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_MASK_UPTO, SLK_OPTIONAL, NULL, NULL},
    REALLY_OPT,
    SENDING_OPTS};
static const slk_opt_use_t set_beneficiary_opts[] = {
    MINER_OPT,
    {SLK_OPT_OVERWRITE, SLK_OPTIONAL, NULL, NULL},
    REALLY_OPT,
    SENDING_OPTS};
static const slk_opt_use_t confirm_beneficiary_opts[] = {
    MINER_OPT,
    {SLK_OPT_EXISTING, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_NOMINEE, SLK_OPTIONAL, NULL, NULL},
    REALLY_OPT,
    SENDING_OPTS};
/* clang-format on */

#define SENT_FIELDS                                                                                \
    "sent: whether it was; without, what follows params is missing\n"                              \
    "method: the actor's name of it\n"                                                             \
    "method_number: its number\n"                                                                  \
    "from: who signs\n"                                                                            \
    "to: the actor\n"                                                                              \
    "value: that goes along, in FIL\n"                                                             \
    "params: CBOR, hex\n"                                                                          \
    "cid: of the message\n"                                                                        \
    "state: Done, Failed; with --no-wait Pending\n"                                                \
    "height: epoch of the tipset that carries the receipt\n"                                       \
    "gas_used: units of gas\n"                                                                     \
    "exit_code: 0 is success\n"                                                                    \
    "exit: what the exit code says"
#define DRY_FIELDS                                                                                 \
    "\ngas_limit: when not sent: gas that it would be given\n"                                     \
    "cost: when not sent: most that this would cost, in FIL\n"                                     \
    "note: when not sent: what to do"
#define TERM_FIELDS                                                                                \
    "new_beneficiary: whom the change makes beneficiary\n"                                         \
    "quota: that he may withdraw, in FIL\n"                                                        \
    "quota_atto: the same in attoFIL\n"                                                            \
    "expiration: epoch until which\n"                                                              \
    "changed: whether it is in force; else others have to confirm\n"

const slk_command_t slk_actor_commands[] = {
    {.noun = "actor",
     .verb = "create",
     .summary = "create a miner on the chain",
     .details = "Its deposit, one percent above what the node asks, is locked and comes back as it "
                "vests. Owner and worker that the chain does not know get an account by a message "
                "of nothing first.",
     .opts = create_opts,
     .opt_cnt = SLK_COUNT(create_opts),
     .json = "accounts_made: addresses that had no account yet\n" SENT_FIELDS
             "\nid: the miner's ID address\n"
             "robust: its other address, which no reorganisation changes",
     .examples = "actor create --owner f3... --worker f3... --size 32GiB\n"
                 "actor create --owner f3... --size 2KiB --keystore keys --store manager.db",
     .run = run_create},
    {.noun = "actor",
     .verb = "info",
     .summary = "show a miner: who it is, what it has, what it proves",
     .details = "Locked funds, deposits, pledge and debt are left out where the node does not show "
                "an actor's state.",
     .opts = info_opts,
     .opt_cnt = SLK_COUNT(info_opts),
     .json = "actor: its ID address\n"
             "owner: who owns it\n"
             "worker: who signs for it\n"
             "controls: others who may send its messages\n"
             "new_worker: the proposed worker, or null\n"
             "worker_change_epoch: from when he can be confirmed\n"
             "pending_owner: the proposed owner, or null\n"
             "beneficiary: who gets what is withdrawn\n"
             "beneficiary_quota: and beneficiary_used_quota, beneficiary_expiration: when he is "
             "another than the owner\n"
             "pending_beneficiary: and pending_quota, pending_expiration, approved_by_beneficiary, "
             "approved_by_nominee: of a proposed change\n"
             "peer_id: of its libp2p node\n"
             "multiaddrs: where that is\n"
             "sector_size: bytes\n"
             "window_post_proof_type: number of the registered proof\n"
             "consensus_fault_elapsed: epoch until which it may not make blocks, or -1\n"
             "available: what can be withdrawn, in FIL; all amounts also as ..._atto in attoFIL\n"
             "balance: all that the actor has\n"
             "locked: rewards that vest\n"
             "deposits: of pre-commits\n"
             "pledge: of sectors\n"
             "fee_debt: what it owes\n"
             "raw_power: bytes proven\n"
             "qa_power: with the weight of verified deals\n"
             "network_raw_power: of all miners\n"
             "network_qa_power: of all miners\n"
             "has_min_power: whether it may make blocks\n"
             "live_sectors: not terminated\n"
             "active_sectors: proven\n"
             "faulty_sectors: not proven\n"
             "epoch: of the chain\n"
             "period_start: of the proving period\n"
             "deadline: the present one\n"
             "deadline_open: its first epoch\n"
             "deadline_close: the first behind it",
     .examples = "actor info --actor f01000",
     .run = run_info},
    {.noun = "actor",
     .verb = "set-addrs",
     .summary = "publish where the miner can be dialed",
     .details = "A part /p2p/... is left out: the chain has the peer id apart.",
     .opts = set_addrs_opts,
     .opt_cnt = SLK_COUNT(set_addrs_opts),
     .words = {"MULTIADDR", "such as /ip4/1.2.3.4/tcp/24001", SLK_ARG_TEXT, NULL, 0, 64},
     .json = SENT_FIELDS,
     .examples = "actor set-addrs --actor f01000 /ip4/1.2.3.4/tcp/24001\n"
                 "actor set-addrs --actor f01000 --unset",
     .run = run_set_addrs},
    {.noun = "actor",
     .verb = "set-peer-id",
     .summary = "publish the peer id of the miner's libp2p node",
     .opts = plain_opts,
     .opt_cnt = SLK_COUNT(plain_opts),
     .words = {"ID", "12D3KooW...", SLK_ARG_TEXT, NULL, 1, 1},
     .json = SENT_FIELDS,
     .examples = "actor set-peer-id --actor f01000 12D3KooW...",
     .run = run_set_peer_id},
    {.noun = "actor",
     .verb = "set-owner",
     .summary = "give the miner to another owner",
     .details =
         "To be called twice: the present owner proposes the new one, and the new one, named "
         "as sender, accepts.",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = {"NEW_OWNER SENDER", "the new owner; who sends this, by default the present owner",
               SLK_ARG_TEXT, NULL, 1, 2},
     .json = "new_owner: the ID address of the new owner\n" SENT_FIELDS DRY_FIELDS,
     .examples = "actor set-owner --actor f01000 --really-do-it f3...\n"
                 "actor set-owner --actor f01000 --really-do-it f3... f3...",
     .run = run_set_owner},
    {.noun = "actor",
     .verb = "control",
     .summary = "list or set who else may send the miner's messages",
     .details = "`control list` shows the roles, their keys and balances, as an array: name, id, "
                "key, balance, balance_atto. `control set` replaces all control addresses by those "
                "given, which may be none.",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = {"list|set ADDRESS", "list, or set and the addresses", SLK_ARG_TEXT, NULL, 0, 64},
     .json = "remove: control addresses that go\n"
             "add: that come\n" SENT_FIELDS DRY_FIELDS,
     .examples = "actor control list --actor f01000\n"
                 "actor control set --actor f01000 --really-do-it f3... f1...",
     .run = run_control},
    {.noun = "actor",
     .verb = "propose-change-worker",
     .summary = "propose another worker",
     .details = "The owner proposes; after some hours the change can be confirmed.",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = {"ADDRESS", "the new worker, with a bls key", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "new_worker: the ID address of the new worker\n" SENT_FIELDS
             "\nworker_change_epoch: from when confirm-change-worker will do it" DRY_FIELDS,
     .examples = "actor propose-change-worker --actor f01000 --really-do-it f3...",
     .run = run_propose_worker},
    {.noun = "actor",
     .verb = "confirm-change-worker",
     .summary = "make the proposed worker the worker",
     .opts = really_opts,
     .opt_cnt = SLK_COUNT(really_opts),
     .words = {"ADDRESS", "the proposed worker", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "new_worker: the ID address of the new worker\n" SENT_FIELDS DRY_FIELDS,
     .examples = "actor confirm-change-worker --actor f01000 --really-do-it f3...",
     .run = run_confirm_worker},
    {.noun = "actor",
     .verb = "withdraw",
     .summary = "withdraw what is available to the beneficiary",
     .opts = withdraw_opts,
     .opt_cnt = SLK_COUNT(withdraw_opts),
     .words = {"AMOUNT", "in FIL; without, or 0, all that is available", SLK_ARG_TEXT, NULL, 0, 1},
     .json = "requested: in FIL\n"
             "requested_atto: in attoFIL\n" SENT_FIELDS "\nwithdrawn: what the miner paid, in FIL\n"
             "withdrawn_atto: in attoFIL",
     .examples = "actor withdraw --actor f01000\nactor withdraw --actor f01000 12.5",
     .run = run_withdraw},
    {.noun = "actor",
     .verb = "repay-debt",
     .summary = "pay what the miner owes",
     .details = "A miner in debt can neither pre-commit nor recover sectors.",
     .opts = repay_opts,
     .opt_cnt = SLK_COUNT(repay_opts),
     .words = {"AMOUNT", "in FIL; without, all that it owes", SLK_ARG_TEXT, NULL, 0, 1},
     .json = SENT_FIELDS,
     .examples =
         "actor repay-debt --actor f01000\nactor repay-debt --actor f01000 0.2 --from f3...",
     .run = run_repay_debt},
    {.noun = "actor",
     .verb = "compact-allocated",
     .summary = "mark low sector numbers as used up",
     .details = "The chain keeps which numbers were ever used; gaps in them cost gas with every "
                "pre-commit. Masked numbers can never be used.",
     .opts = compact_opts,
     .opt_cnt = SLK_COUNT(compact_opts),
     .json = "first_free: the lowest number that is not masked\n" SENT_FIELDS DRY_FIELDS,
     .examples = "actor compact-allocated --actor f01000 --mask-upto-n 5000\n"
                 "actor compact-allocated --actor f01000 --mask-last-offset 100 --really-do-it",
     .run = run_compact},
    {.noun = "actor",
     .verb = "set-beneficiary",
     .summary = "propose who gets what is withdrawn",
     .details =
         "The owner proposes; the new beneficiary, and the present one while his term lasts, "
         "confirm.",
     .opts = set_beneficiary_opts,
     .opt_cnt = SLK_COUNT(set_beneficiary_opts),
     .words = {"ADDRESS QUOTA EXPIRATION",
               "the new beneficiary; how much he may withdraw, in FIL; until which epoch",
               SLK_ARG_TEXT, NULL, 3, 3},
     .json = TERM_FIELDS SENT_FIELDS DRY_FIELDS,
     .examples = "actor set-beneficiary --actor f01000 f3... 100 4000000 --really-do-it",
     .run = run_set_beneficiary},
    {.noun = "actor",
     .verb = "confirm-beneficiary",
     .summary = "confirm a proposed beneficiary",
     .opts = confirm_beneficiary_opts,
     .opt_cnt = SLK_COUNT(confirm_beneficiary_opts),
     .json = TERM_FIELDS SENT_FIELDS DRY_FIELDS,
     .examples = "actor confirm-beneficiary --actor f01000 --new-beneficiary --really-do-it",
     .run = run_confirm_beneficiary},
    {0},
};
