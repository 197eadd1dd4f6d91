/* The node itself: version, tokens, peers (none), what methods there are. */

#include "devnet/api/ask.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

#define VERSION_TEXT   "v1.36.2-dev+selkie+devnet"
#define F3_DISABLED    4
#define VERSION_V0     66816  /* 1.5.0 */
#define VERSION_OTHERS 131840 /* 2.3.0 */

static slk_err_t version(slk_ask_t *ask)
{
    return slk_ask_json(ask,
                        json_pack("{s:s, s:i, s:I, s:s}", "Version", VERSION_TEXT, "APIVersion",
                                  ask->version ? VERSION_OTHERS : VERSION_V0, "BlockDelay",
                                  (json_int_t)slk_chain_policy(ask->chain)->block_delay_s, "Agent",
                                  "selkie-devnet"));
}

static slk_err_t session(slk_ask_t *ask)
{
    return slk_ask_text(ask, ask->net->session);
}

static slk_err_t id(slk_ask_t *ask)
{
    return slk_ask_text(ask, ask->net->peer_id);
}

static slk_err_t start_time(slk_ask_t *ask)
{
    return slk_ask_text(ask, ask->net->start_time);
}

static slk_err_t shutdown_node(slk_ask_t *ask)
{
    atomic_store(&ask->net->told_to_end, true);
    return SLK_OK;
}

static slk_err_t net_peers(slk_ask_t *ask)
{
    return slk_ask_json(ask, json_array());
}

static slk_err_t net_addrs_listen(slk_ask_t *ask)
{
    return slk_ask_json(ask, json_pack("{s:s, s:[]}", "ID", ask->net->peer_id, "Addrs"));
}

static slk_err_t f3_disabled(slk_ask_t *ask)
{
    return slk_ask_fail(ask, F3_DISABLED, "f3 is disabled");
}

/* --- Tokens ----------------------------------------------------------------------------------------------------- */

static slk_err_t perms_json(slk_ask_t *ask, slk_perms_t perms)
{
    slk_err_t err = slk_ask_json(ask, json_array());
    for (unsigned i = 0; err == SLK_OK && i < SLK_PERM_CNT; i++)
        if (perms & (1u << i))
            json_array_append_new(ask->result, json_string(slk_perm_name(1u << i)));
    return err;
}

static slk_err_t auth_verify(slk_ask_t *ask)
{
    slk_perms_t perms;
    slk_err_t err = slk_token_verify(&perms, &ask->net->key, (const char *)ask->args[0].bytes.b,
                                     ask->args[0].bytes.len, &ask->diag);
    return err == SLK_OK ? perms_json(ask, perms)
                         : slk_ask_wrap(ask, err, "JWT Verification failed");
}

static slk_err_t auth_new(slk_ask_t *ask)
{
    slk_perms_t perms = SLK_PERM_NONE;
    char token[SLK_TOKEN_TEXT_MAX];
    json_t *list = ask->args[0].json;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        const slk_perms_t perm = name ? slk_perm_from_name(name) : SLK_PERM_NONE;
        if (!perm)
            return slk_ask_fail(ask, SLK_RPC_ERROR, "unknown permission");
        perms |= perm;
    }
    slk_token_new(token, &ask->net->key, perms);
    slk_err_t err = slk_ask_bytes(ask, token, strlen(token));
    explicit_bzero(token, sizeof token);
    return err;
}

/* --- What there is ------------------------------------------------------------------------------------------------ */

/* How a parameter of a kind looks, for whoever reads the list (ask.h has the letters). */
static const char *param_schema(char letter)
{
    static const struct {
        char letter;
        const char *text;
    } schemas[] = {
        {'a', "Address"},
        {'c', "Cid"},
        {'b', "Boolean"},
        {'d', "Number"},
        {'s', "String"},
        {'x', "Base64"},
        {'i', "Integer"},
        {'u', "Integer"},
        {'j', "Object"},
        {'f', "BitField"},
        {'T', "TipSetKey"},
        {'K', "TipSetKey"},
        {'L', "TipSetKey"},
        {'m', "Message"},
        {'M', "SignedMessage"},
        {'S', "MessageSendSpec"},
        {'p', "SectorPreCommitInfo"},
        {'t', "BlockTemplate"},
        {'B', "BlockMsg"},
        {'g', "Signature"},
        {'n', "Integers"},
    };
    for (size_t i = 0; i < SLK_COUNT(schemas); i++)
        if (schemas[i].letter == letter)
            return schemas[i].text;
    return "Any";
}

static json_t *method_json(const slk_ask_method_t *method)
{
    char name[8];
    json_t *params = json_array();
    for (size_t i = 0; method->params[i]; i++) {
        snprintf(name, sizeof name, "p%zu", i + 1);
        json_array_append_new(params,
                              json_pack("{s:s, s:b, s:{s:s}}", "name", name, "required", 1,
                                        "schema", "title", param_schema(method->params[i])));
    }
    return json_pack("{s:s, s:s, s:o, s:s}", "name", method->name, "description",
                     slk_perm_name(method->need), "params", params, "paramStructure",
                     "by-position");
}

/* An OpenRPC document: names, parameters and rights; results as in the documentation of Lotus. */
static slk_err_t discover(slk_ask_t *ask)
{
    json_t *methods = json_array();
    for (size_t g = 0; g < slk_ask_group_cnt; g++)
        for (const slk_ask_method_t *m = slk_ask_groups[g]; m->name; m++)
            if (m->apis & (1u << ask->version))
                json_array_append_new(methods, method_json(m));
    return slk_ask_json(ask, json_pack("{s:s, s:{s:s, s:s}, s:o}", "openrpc", "1.2.6", "info",
                                       "title", "selkie development network", "version",
                                       VERSION_TEXT, "methods", methods));
}

/* --- Logs ------------------------------------------------------------------------------------------------------ */

static slk_err_t log_list(slk_ask_t *ask)
{
    return slk_ask_json(ask, json_pack("[s]", "devnet"));
}

/* Nothing here raises an alert. */
static slk_err_t log_alerts(slk_ask_t *ask)
{
    return slk_ask_json(ask, json_array());
}

const slk_ask_method_t slk_ask_node[] = {
    {"Filecoin.Version", SLK_PERM_READ, SLK_VALL, 0, "", version},
    {"Filecoin.Session", SLK_PERM_READ, SLK_V01, 0, "", session},
    {"Filecoin.ID", SLK_PERM_READ, SLK_V01, 0, "", id},
    {"Filecoin.StartTime", SLK_PERM_READ, SLK_V01, 0, "", start_time},
    {"Filecoin.Shutdown", SLK_PERM_ADMIN, SLK_V01, 0, "", shutdown_node},
    {"Filecoin.LogList", SLK_PERM_WRITE, SLK_V01, 0, "", log_list},
    {"Filecoin.LogAlerts", SLK_PERM_ADMIN, SLK_V01, 0, "", log_alerts},
    {"Filecoin.NetPeers", SLK_PERM_READ, SLK_V01, 0, "", net_peers},
    {"Filecoin.NetAddrsListen", SLK_PERM_READ, SLK_V01, 0, "", net_addrs_listen},
    {"Filecoin.AuthVerify", SLK_PERM_READ, SLK_V01, 0, "s", auth_verify},
    {"Filecoin.AuthNew", SLK_PERM_ADMIN, SLK_V01, 0, "j", auth_new},
    {"Filecoin.Discover", SLK_PERM_READ, SLK_VALL, 0, "", discover},
    {"rpc.discover", SLK_PERM_READ, SLK_VALL, 0, "", discover},
    {"Filecoin.F3IsRunning", SLK_PERM_READ, SLK_V1, 0, "", f3_disabled},
    {"Filecoin.F3GetManifest", SLK_PERM_READ, SLK_V1, 0, "", f3_disabled},
    {"Filecoin.F3GetOrRenewParticipationTicket", SLK_PERM_SIGN, SLK_V1, 0, "ajj", f3_disabled},
    {0},
};
