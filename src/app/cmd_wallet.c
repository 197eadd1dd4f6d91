#include "app/app.h"
#include "app/node_use.h"
#include "app/nouns.h"
#include "app/wallet_calls.h"

#include "base/assert.h"

#include <stdlib.h>

/* What the options say; node is used when the command or --node needs it, or when one is named. */
static slk_err_t wallet_use(slk_wallet_use_t *wallet, slk_node_use_t *node, bool need_node,
                            slk_app_t *app, const slk_args_t *args)
{
    const char *info = getenv("FULLNODE_API_INFO");
    bool named = args->opt[SLK_OPT_API_INFO].text || (info && *info);
    *wallet = (slk_wallet_use_t){.at_node = args->opt[SLK_OPT_NODE_WALLET].given,
                                 .signer = slk_signer_use(args, false),
                                 .keystore = args->opt[SLK_OPT_KEYSTORE].text,
                                 .passphrase_file = args->opt[SLK_OPT_PASSPHRASE].text,
                                 .plain = args->opt[SLK_OPT_PLAIN].given};
    if (!named && !need_node && !wallet->at_node)
        return SLK_OK;
    wallet->use = node;
    return slk_node_use(node, app, args);
}

static slk_err_t run_new(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    const char *type = args->word_cnt ? args->words[0] : "bls";
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    return err == SLK_OK ? slk_wallet_new(&use, type, &app->result, &app->diag) : err;
}

static slk_err_t run_list(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    return err == SLK_OK ? slk_wallet_list(&use, &app->result, &app->diag) : err;
}

static slk_err_t run_balance(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, true, app, args);
    if (err == SLK_OK)
        err = slk_wallet_balance(&use, args->words[0], &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static slk_err_t run_import(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    return err == SLK_OK ? slk_wallet_import(&use, args->words[0], &app->result, &app->diag) : err;
}

static slk_err_t run_export(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    if (err == SLK_OK)
        err = slk_wallet_export(&use, args->words[0], &app->result, &app->diag);
    if (err == SLK_OK && !args->opt[SLK_OPT_JSON].given) {
        /* Nothing but the key, so that `wallet import` and Lotus read what was written to a file. */
        puts(json_string_value(json_object_get(app->result, "key")));
        json_decref(app->result);
        app->result = NULL;
    }
    return slk_node_usage(app, err);
}

static slk_err_t run_sign(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    if (err == SLK_OK)
        err = slk_wallet_sign(&use, args->words[0], args->words[1], &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static slk_err_t run_verify(slk_app_t *app, const slk_args_t *args)
{
    bool valid;
    slk_err_t err =
        slk_wallet_verify(&valid, args->words[0], args->words[1], args->words[2], &app->diag);
    if (err == SLK_OK && !valid)
        slk_fail(&app->diag, SLK_OK, "it is not a signature of these bytes by %.130s",
                 args->words[0]);
    if (err == SLK_OK)
        slk_app_verdict(app, args, valid);
    return slk_node_usage(app, err);
}

static slk_err_t run_default(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    if (err == SLK_OK)
        err = slk_wallet_default(&use, args->word_cnt ? args->words[0] : NULL, &app->result,
                                 &app->diag);
    return slk_node_usage(app, err);
}

static slk_err_t run_delete(slk_app_t *app, const slk_args_t *args)
{
    slk_wallet_use_t use;
    slk_node_use_t node;
    slk_err_t err = wallet_use(&use, &node, false, app, args);
    if (err == SLK_OK)
        err = slk_wallet_delete(&use, args->words[0], &app->result, &app->diag);
    return slk_node_usage(app, err);
}

static const slk_opt_use_t new_opts[] = {
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_PASSPHRASE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_PLAIN, SLK_OPTIONAL, NULL, NULL},    {SLK_OPT_NODE_WALLET, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t list_opts[] = {
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_SIGNER, SLK_OPTIONAL, NULL, "list the keys of lotus-wallet or of another node"},
    {SLK_OPT_NODE_WALLET, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t balance_opts[] = {
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t import_opts[] = {
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_PASSPHRASE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_PLAIN, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t secret_opts[] = {
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_PASSPHRASE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t sign_opts[] = {
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_PASSPHRASE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_SIGNER, SLK_OPTIONAL, NULL, NULL},   {SLK_OPT_NODE_WALLET, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL}, {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t verify_opts[] = {
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};
static const slk_opt_use_t keystore_opts[] = {
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

static const slk_opt_use_t send_opts[] = {
    {SLK_OPT_FROM, SLK_OPTIONAL, NULL, "who pays; by default the default key"},
    {SLK_OPT_MAX_FEE, SLK_OPTIONAL, NULL, "most that the message may cost; by default 0.07 FIL"},
    {SLK_OPT_CONFIDENCE, SLK_OPTIONAL, "5", NULL},
    {SLK_OPT_TIMEOUT, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_NO_WAIT, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_KEYSTORE, SLK_OPTIONAL, NULL, "sign with a key of this folder; needs --store"},
    {SLK_OPT_PASSPHRASE, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_SIGNER, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_STORE, SLK_OPTIONAL, NULL,
     "database that keeps the message, also when this command is killed"},
    {SLK_OPT_API_INFO, SLK_OPTIONAL, NULL, NULL},
    {SLK_OPT_JSON, SLK_OPTIONAL, NULL, NULL},
};

#define ADDRESS_HELP "f1..., f3..., with f or t"

const slk_command_t slk_wallet_commands[] = {
    {.noun = "wallet",
     .verb = "new",
     .summary = "make a new key",
     .details = "Workers of miners need bls keys. The first key of a keystore becomes its default.",
     .opts = new_opts,
     .opt_cnt = SLK_COUNT(new_opts),
     .words = {"TYPE", "bls unless given", SLK_ARG_WORD, "bls secp256k1", 0, 1},
     .json = "address: of the new key\n"
             "type: bls or secp256k1\n"
             "encrypted: whether its file is",
     .examples = "wallet new bls\nwallet new secp256k1 --passphrase-file ~/phrase\n"
                 "wallet new bls --node",
     .run = run_new},
    {.noun = "wallet",
     .verb = "list",
     .summary = "list the keys",
     .details = "No passphrase is needed. Balances and nonces are shown where a node is named.",
     .opts = list_opts,
     .opt_cnt = SLK_COUNT(list_opts),
     .json = "address: of the key\n"
             "type: bls or secp256k1\n"
             "encrypted: whether its file is\n"
             "default: whether commands use it when none is named\n"
             "balance: attoFIL\n"
             "fil: the same in FIL\n"
             "nonce: of its next message",
     .examples = "wallet list\nwallet list --node --json",
     .run = run_list},
    {.noun = "wallet",
     .verb = "balance",
     .summary = "show what an address has",
     .opts = balance_opts,
     .opt_cnt = SLK_COUNT(balance_opts),
     .words = {"ADDRESS", "of any kind", SLK_ARG_TEXT, NULL, 1, 1},
     .json = "address: as asked for\n"
             "balance: attoFIL\n"
             "fil: the same in FIL\n"
             "nonce: of its next message",
     .examples = "wallet balance f01000",
     .run = run_balance},
    {.noun = "wallet",
     .verb = "import",
     .summary = "take a key that Lotus exported",
     .details =
         "Reads what `lotus wallet export` prints, hex or the JSON in it, also the .key files "
         "of lotus-seed.",
     .opts = import_opts,
     .opt_cnt = SLK_COUNT(import_opts),
     .words = {"FILE", "the key; - for standard input", SLK_ARG_FILE, NULL, 1, 1},
     .json = "address: of the key\n"
             "type: bls or secp256k1\n"
             "encrypted: whether its file is",
     .examples = "wallet import pre-seal-t01000.key\nwallet import - <key",
     .run = run_import},
    {.noun = "wallet",
     .verb = "export",
     .summary = "print a secret key, as Lotus does",
     .details = "Whoever sees it can spend what the address has.",
     .opts = secret_opts,
     .opt_cnt = SLK_COUNT(secret_opts),
     .words = {"ADDRESS", ADDRESS_HELP, SLK_ARG_TEXT, NULL, 1, 1},
     .json = "key: hex of the JSON with type and secret",
     .examples = "wallet export f3...",
     .run = run_export},
    {.noun = "wallet",
     .verb = "send",
     .summary = "send FIL to an address",
     .details = "By default the node's wallet signs; or a key of --keystore; or --signer, or "
                "WALLET_API_INFO "
                "where that is set. An address that is new to the chain gets an "
                "account. Status 1 "
                "when the message failed.",
     .opts = send_opts,
     .opt_cnt = SLK_COUNT(send_opts),
     .words = {"ADDRESS AMOUNT", "who gets it, and how much: 1.5, '1.5 FIL', '100 attoFIL'",
               SLK_ARG_TEXT, NULL, 2, 2},
     .json = "method: Send\n"
             "from: who pays\n"
             "to: who gets it\n"
             "value: in FIL\n"
             "cid: of the message\n"
             "state: what became of it\n"
             "exit_code: 0 when it succeeded\n"
             "height: of the tipset with its receipt",
     .examples = "wallet send f1... 1.5\nwallet send f1... 10 --keystore ~/keys --store sent.db",
     .run = slk_run_wallet_send},
    {.noun = "wallet",
     .verb = "sign",
     .summary = "sign bytes with a key",
     .opts = sign_opts,
     .opt_cnt = SLK_COUNT(sign_opts),
     .words = {"ADDRESS HEX", "who signs, and what", SLK_ARG_TEXT, NULL, 2, 2},
     .json = "signature: hex of its type and its bytes",
     .examples = "wallet sign f3... 68656c6c6f",
     .run = run_sign},
    {.noun = "wallet",
     .verb = "verify",
     .summary = "check a signature",
     .opts = verify_opts,
     .opt_cnt = SLK_COUNT(verify_opts),
     .words = {"ADDRESS HEX SIGNATURE", "who signed, what, and what sign printed", SLK_ARG_TEXT,
               NULL, 3, 3},
     .json = "valid: true or false",
     .examples = "wallet verify f3... 68656c6c6f 02a1b2...",
     .run = run_verify},
    {.noun = "wallet",
     .verb = "default",
     .summary = "show or choose the key that commands use when none is named",
     .opts = keystore_opts,
     .opt_cnt = SLK_COUNT(keystore_opts),
     .words = {"ADDRESS", ADDRESS_HELP, SLK_ARG_TEXT, NULL, 0, 1},
     .json = "address: of the default key",
     .examples = "wallet default\nwallet default f3...",
     .run = run_default},
    {.noun = "wallet",
     .verb = "delete",
     .summary = "delete a key for good",
     .details = "Without a copy (wallet export) what the address has is lost.",
     .opts = keystore_opts,
     .opt_cnt = SLK_COUNT(keystore_opts),
     .words = {"ADDRESS", ADDRESS_HELP, SLK_ARG_TEXT, NULL, 1, 1},
     .json = "deleted: the address",
     .examples = "wallet delete f1...",
     .run = run_delete},
    {0},
};
