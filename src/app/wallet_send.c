#include "app/actor_calls_impl.h"
#include "app/wallet_signer.h"

#include "base/assert.h"
#include "codec/fil.h"

/* Who pays: the address given, else the default key of the keystore, the signer's only one, or the default of the node's wallet. */
static slk_err_t sender_of(slk_address_t *from, slk_node_talk_t *talk, const slk_actor_use_t *use,
                           slk_diag_t *diag)
{
    slk_err_t err;
    slk_address_t address;
    slk_api_address_t standard;
    slk_wallet_signer_t signer = {0};
    if (use->from) {
        SLK_TRY(slk_read_address(&address, use->from, diag));
    } else if (use->wallet.at_node) {
        SLK_TRY(slk_api_WalletDefaultAddress(&talk->api, &talk->arena, &standard, diag));
        address = standard.v;
    } else {
        SLK_TRY(slk_wallet_signer_open(&signer, &use->wallet, diag));
        SLK_TRY(slk_wallet_signer_default(&address, &signer, diag));
    }
    SLK_TRY(slk_resolve_key(talk, &address, from, diag));
out:
    slk_wallet_signer_close(&signer);
    return err;
}

slk_err_t slk_wallet_send(const slk_actor_use_t *use, const char *to, const char *amount,
                          SLK_ACTOR_OUT)
{
    slk_err_t err;
    slk_node_talk_t talk = {0};
    slk_send_call_t call = {.name = "Send"};
    slk_message_row_t row = {0};
    SLK_TRY(slk_read_address(&call.to, to, diag));
    SLK_TRY(slk_fil_parse(&call.value, amount, diag));
    if (slk_bigint_sign(&call.value) < 0) {
        err = slk_fail(diag, SLK_ERR_INPUT, "'%.60s': expected an amount above zero", amount);
        goto out;
    }
    SLK_TRY(slk_node_talk_open(&talk, use->wallet.use, diag));
    SLK_TRY(sender_of(&call.from, &talk, use, diag));
    *result = json_object();
    SLK_TRY(slk_actor_send(&talk, use, &call, &row, *result, failed, diag));
out:
    slk_message_row_free(&row);
    slk_node_talk_close(&talk);
    return err;
}
