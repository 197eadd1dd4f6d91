#include "manager/post/post_impl.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "chain/message_store.h"
#include "codec/actors/miner.h"
#include "crypto/election/randomness.h"
#include "crypto/sha256/sha256.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Messages of window proofs and recoveries. */

enum { METHOD_SUBMIT = 5, METHOD_RECOVERED = 11, RECOVERY_TRIES = 3, STUCK_SHARE = 6 };

/* --- Sender ------------------------------------------------------------------------------------ */

enum { SENDERS_MAX = 64 };

typedef struct {
    slk_address_t at[SENDERS_MAX];
    size_t cnt;
} senders_t;

typedef const char configured_t[SLK_CONFIG_SENDERS_MAX][SLK_CONFIG_TEXT_MAX / 4];

/* A control address that is set for other messages. */
static slk_err_t is_elsewhere(slk_post_turn_t *t, const slk_address_t *id, bool *is,
                              slk_diag_t *diag)
{
    configured_t *const lists[] = {&t->config.pre_commit_control, &t->config.commit_control,
                                   &t->config.terminate_control};
    *is = false;
    for (size_t l = 0; l < SLK_COUNT(lists); l++) {
        for (size_t i = 0; i < SLK_CONFIG_SENDERS_MAX && *(*lists[l])[i]; i++) {
            slk_address_t address, found;
            slk_bigint_t ignored;
            slk_err_t err = slk_address_from_text(&address, (*lists[l])[i], diag);
            if (err != SLK_OK)
                return err;
            const slk_look_t look =
                t->world.ops->sender(t->world.ctx, &address, &found, &ignored, diag);
            if (look == SLK_LOOK_TROUBLE || look == SLK_LOOK_BROKEN)
                return SLK_ERR_IO;
            *is |= look == SLK_LOOK_FOUND && slk_address_eq(&found, id);
        }
    }
    return SLK_OK;
}

/* Spec lotus-miner.md 4.3: control addresses that serve nothing else, then worker, then owner. */
static slk_err_t list_senders(slk_post_turn_t *t, senders_t *senders, slk_diag_t *diag)
{
    const slk_address_list_t *controls = &t->actor.control_addresses;
    *senders = (senders_t){0};
    for (size_t i = 0; i < controls->count && senders->cnt < SENDERS_MAX - 2; i++) {
        const slk_address_t *one = &controls->items[i];
        bool elsewhere = false;
        if (slk_address_eq(one, &t->actor.worker) || slk_address_eq(one, &t->actor.owner))
            continue;
        slk_err_t err = is_elsewhere(t, one, &elsewhere, diag);
        if (err != SLK_OK)
            return err;
        if (!elsewhere)
            senders->at[senders->cnt++] = *one;
    }
    if (!senders->cnt || !t->config.disable_worker_fallback)
        senders->at[senders->cnt++] = t->actor.worker;
    if (!t->config.disable_owner_fallback)
        senders->at[senders->cnt++] = t->actor.owner;
    return SLK_OK;
}

/* The first who has `funds`, else the one who has most. */
static slk_err_t choose_sender(slk_post_turn_t *t, const slk_bigint_t *funds, slk_address_t *from,
                               slk_diag_t *diag)
{
    senders_t senders;
    slk_bigint_t most = {0}, balance;
    bool any = false;
    slk_err_t err = list_senders(t, &senders, diag);
    for (size_t i = 0; err == SLK_OK && i < senders.cnt; i++) {
        slk_address_t id;
        const slk_look_t look =
            t->world.ops->sender(t->world.ctx, &senders.at[i], &id, &balance, diag);
        if (look == SLK_LOOK_NONE)
            continue;
        if (look != SLK_LOOK_FOUND)
            return SLK_ERR_IO;
        const bool enough = slk_bigint_cmp(&balance, funds) >= 0;
        if (enough || !any || slk_bigint_cmp(&balance, &most) > 0) {
            any = true;
            most = balance;
            *from = id;
        }
        if (enough)
            return SLK_OK;
    }
    if (err == SLK_OK && !any)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "none of the %zu addresses that may send window proofs of miner f0%" PRIu64
                       " has a key here and is on chain",
                       senders.cnt, t->miner);
    return err;
}

/* --- One message ------------------------------------------------------------------------------- */

typedef struct {
    slk_post_turn_t *t;
    slk_post_look_t *look;
    uint32_t batch;
    const slk_message_want_t *want;
} store_t;

static slk_err_t store(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const store_t *s = ctx;
    int64_t id;
    slk_err_t err = slk_message_add(db, s->want, s->t->now_ms, &id, diag);
    for (size_t i = 0; err == SLK_OK && s->look && i < s->look->partitions.count; i++)
        if (s->look->actions[i].what == SLK_POST_DO_SEND && s->look->actions[i].batch == s->batch)
            err = slk_post_put(db, &s->look->rows[i], diag);
    return err;
}

static slk_message_want_t message(const slk_post_turn_t *t, const char *key, uint64_t method,
                                  const slk_buf_t *params)
{
    const int64_t window = t->info.wpost_challenge_window;
    return (slk_message_want_t){
        .key = key,
        .to = t->address,
        .method = method,
        .params = params->bytes,
        .params_len = params->len,
        .mode = t->world.nonces,
        .max_fee = t->config.max_window_post_gas_fee,
        .confidence = t->rules.message_confidence,
        .stuck_epochs = window > STUCK_SHARE ? window / STUCK_SHARE : 1,
    };
}

/* Parameters of the same bytes in the same window, after as many failures, are the same message. */
static void message_key(char out[SLK_MESSAGE_KEY_MAX + 1], const slk_post_turn_t *t,
                        const char *what, const slk_post_window_t *window, int64_t failures,
                        const slk_buf_t *params)
{
    slk_node_t digest;
    char hex[17];
    slk_sha256(&digest, params->bytes, params->len);
    slk_hex_encode(hex, digest.b, 8);
    snprintf(out, SLK_MESSAGE_KEY_MAX + 1,
             "t0%" PRIu64 "/%s/%" PRIu64 "/%" PRId64 "/%" PRId64 "/%s", t->miner, what,
             window->index, window->open, failures, hex);
}

/* --- Window proofs ----------------------------------------------------------------------------- */

static slk_err_t commit_randomness(slk_post_turn_t *t, const slk_post_window_t *window,
                                   slk_bytes_t *out, slk_diag_t *diag)
{
    slk_api_bytes_t drawn;
    slk_err_t err = slk_api_StateGetRandomnessFromTickets(&t->api, SLK_TAG_POST_COMMIT,
                                                          window->challenge, (slk_bytes_t){0},
                                                          &t->net.key, t->arena, &drawn, diag);
    if (err == SLK_OK)
        *out = drawn.v;
    return err;
}

typedef struct {
    slk_submit_windowed_post_params_t params;
    uint64_t sectors, skipped;
    int64_t failures;
} submission_t;

static slk_err_t fill(slk_post_turn_t *t, slk_post_look_t *look, uint32_t batch, submission_t *out,
                      slk_diag_t *diag)
{
    slk_err_t err;
    size_t cnt = look->partitions.count, proof_len = 0, used = 0;
    slk_post_partition_t *parts = slk_arena_array(t->arena, cnt + 1, sizeof *parts);
    slk_post_proof_t *proof = slk_arena_array(t->arena, 1, sizeof *proof);
    uint8_t *bytes;
    *out = (submission_t){.failures = 0};
    for (size_t i = 0; i < cnt; i++)
        proof_len += look->rows[i].proof.len;
    bytes = slk_arena_alloc(t->arena, proof_len + 1);
    if (!parts || !proof || !bytes)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
    proof_len = 0;
    for (size_t i = 0; i < cnt; i++) {
        const slk_post_row_t *row = &look->rows[i];
        slk_bitfield_t left;
        if (look->actions[i].what != SLK_POST_DO_SEND || look->actions[i].batch != batch)
            continue;
        SLK_TRY(slk_post_to_prove(&left, &look->partitions.items[i], t->arena));
        SLK_TRY(slk_bitfield_difference(&left, &left, &row->asked, t->arena));
        parts[used++] = (slk_post_partition_t){.index = row->partition, .skipped = left};
        memcpy(bytes + proof_len, row->proof.b, row->proof.len);
        proof_len += row->proof.len;
        out->sectors += slk_bitfield_count(&row->asked);
        out->skipped += slk_bitfield_count(&left);
        out->failures = row->sends > out->failures ? row->sends : out->failures;
    }
    *proof = (slk_post_proof_t){.post_proof = t->actor.window_post_proof_type,
                                .proof_bytes = {bytes, proof_len}};
    out->params = (slk_submit_windowed_post_params_t){.deadline = look->window.index,
                                                      .partitions = {parts, used},
                                                      .proofs = {proof, 1},
                                                      .chain_commit_epoch = look->window.challenge};
    err = commit_randomness(t, &look->window, &out->params.chain_commit_rand, diag);
out:
    return err;
}

slk_err_t slk_post_send(slk_post_turn_t *t, slk_post_look_t *look, uint32_t batch, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t params = {0};
    submission_t sub;
    char key[SLK_MESSAGE_KEY_MAX + 1];
    SLK_TRY(fill(t, look, batch, &sub, diag));
    if (!sub.params.partitions.count)
        goto out;
    SLK_TRY(slk_record_encode(&params, &slk_submit_windowed_post_params_type, &sub.params, diag));
    message_key(key, t, "window-post", &look->window, sub.failures, &params);
    slk_message_want_t want = message(t, key, METHOD_SUBMIT, &params);
    SLK_TRY(choose_sender(t, &want.max_fee, &want.from, diag));
    for (size_t i = 0; i < look->partitions.count; i++) {
        slk_post_row_t *row = &look->rows[i];
        if (look->actions[i].what != SLK_POST_DO_SEND || look->actions[i].batch != batch)
            continue;
        row->state = SLK_POST_SENT;
        snprintf(row->message, sizeof row->message, "%s", key);
        snprintf(row->why, sizeof row->why, "its message is on its way to the chain");
    }
    store_t s = {.t = t, .look = look, .batch = batch, .want = &want};
    SLK_TRY(slk_db_transact(t->db, store, &s, diag));
    slk_chain_wake(t->opts->chain);
    slk_log(SLK_LOG_INFO, "post",
            "f0%" PRIu64 ", deadline %" PRIu64 ": proofs of %zu partitions with %" PRIu64
            " sectors are sent, %" PRIu64 " sectors left out; %" PRId64 " epochs are left",
            t->miner, look->window.index, sub.params.partitions.count, sub.sectors, sub.skipped,
            look->window.close - t->net.height);
out:
    slk_buf_free(&params);
    return err;
}

/* --- Recoveries -------------------------------------------------------------------------------- */

/* Asks whoever has the files to read some of them. *readable false also where that is not known yet. */
static slk_err_t is_readable(slk_post_turn_t *t, const slk_sector_on_chain_info_t *info,
                             bool *readable, slk_diag_t *diag)
{
    enum { CHECK_MS = 30000 };
    slk_err_t err;
    slk_storage_holder_t *holders = NULL;
    size_t cnt, used = 0;
    bool has;
    const bool update = slk_cid_defined(&info->sector_key_cid);
    const int64_t share = t->info.wpost_challenge_window * t->net.block_ms / 4;
    const int64_t limit = t->config.post_sector_timeout_ms;
    slk_post_check_t want = {.miner = t->miner,
                             .number = info->sector_number,
                             .update = update,
                             .registered = (int)t->actor.window_post_proof_type,
                             .read_ms = (uint32_t)(limit < CHECK_MS ? limit : CHECK_MS),
                             .sector_ms = (uint32_t)(limit < CHECK_MS ? limit : CHECK_MS),
                             .again_ms = share};
    *readable = false;
    SLK_TRY(slk_post_has_files(t, info->sector_number, update, &holders, &cnt, &has, diag));
    SLK_TRY(slk_cid_to_commitment(&want.comm_r, SLK_CID_SEALED, &info->sealed_cid, diag));
    for (size_t i = 0; i < cnt && used < SLK_POST_CHECK_HOLDERS; i++)
        if (*holders[i].url) {
            snprintf(want.holders[used].url, sizeof want.holders[used].url, "%s", holders[i].url);
            snprintf(want.holders[used].store, sizeof want.holders[used].store, "%s",
                     holders[i].store);
            used++;
        }
    *readable = has && used && slk_post_check(t->checks, &want, t->now_ms) == SLK_POST_READABLE;
out:
    free(holders);
    return err;
}

/* Those of a partition's faults that are not declared yet and can be read. */
static slk_err_t recoverable(slk_post_turn_t *t, const slk_api_partition_t *partition,
                             slk_bitfield_t *out, slk_diag_t *diag)
{
    slk_err_t err;
    slk_bitfield_t faults;
    slk_api_sectors_t infos;
    *out = (slk_bitfield_t){0};
    SLK_TRY(slk_bitfield_difference(&faults, &partition->faulty_sectors,
                                    &partition->recovering_sectors, t->arena));
    if (slk_bitfield_is_empty(&faults))
        goto out;
    SLK_TRY(slk_api_StateMinerSectors(&t->api, &t->address, &faults, &t->net.key, t->arena, &infos,
                                      diag));
    for (size_t i = 0; i < infos.v.count; i++) {
        bool readable;
        SLK_TRY(is_readable(t, &infos.v.items[i], &readable, diag));
        if (readable)
            SLK_TRY(slk_bitfield_set(out, out, infos.v.items[i].sector_number, t->arena));
    }
out:
    return err;
}

/* Was it sent before? A failed one is sent again under another key. *key empty: nothing to send. */
static slk_err_t recovery_key(slk_post_turn_t *t, const slk_post_window_t *window,
                              const slk_buf_t *params, char key[SLK_MESSAGE_KEY_MAX + 1],
                              slk_diag_t *diag)
{
    for (int64_t failures = 0; failures < RECOVERY_TRIES; failures++) {
        slk_message_row_t row;
        message_key(key, t, "recovered", window, failures, params);
        slk_err_t err = slk_message_find(t->db, key, &row, diag);
        if (err == SLK_ERR_NOTFOUND)
            return SLK_OK;
        if (err != SLK_OK)
            return err;
        const bool failed = row.state != SLK_MESSAGE_DONE && slk_message_state_final(row.state);
        slk_message_row_free(&row);
        if (!failed)
            break;
    }
    *key = 0;
    return SLK_OK;
}

slk_err_t slk_post_recover(slk_post_turn_t *t, const slk_post_window_t *window, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t params = {0};
    slk_api_partitions_t partitions;
    slk_declare_faults_recovered_params_t declared = {{0}};
    uint64_t sectors = 0;
    char key[SLK_MESSAGE_KEY_MAX + 1];
    SLK_TRY(slk_post_found(t->world.ops->partitions(t->world.ctx, t->miner, window->index, t->arena,
                                                    &partitions, diag),
                           diag));
    slk_sector_declaration_t *list =
        slk_arena_array(t->arena, partitions.v.count + 1, sizeof *list);
    if (!list) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory");
        goto out;
    }
    declared.recoveries.items = list;
    for (size_t i = 0; i < partitions.v.count; i++) {
        slk_bitfield_t set;
        SLK_TRY(recoverable(t, &partitions.v.items[i], &set, diag));
        if (slk_bitfield_is_empty(&set))
            continue;
        sectors += slk_bitfield_count(&set);
        list[declared.recoveries.count++] =
            (slk_sector_declaration_t){.deadline = window->index, .partition = i, .sectors = set};
    }
    if (!sectors)
        goto out;
    SLK_TRY(slk_record_encode(&params, &slk_declare_faults_recovered_params_type, &declared, diag));
    SLK_TRY(recovery_key(t, window, &params, key, diag));
    if (!*key)
        goto out;
    slk_message_want_t want = message(t, key, METHOD_RECOVERED, &params);
    SLK_TRY(choose_sender(t, &want.max_fee, &want.from, diag));
    store_t s = {.t = t, .want = &want};
    SLK_TRY(slk_db_transact(t->db, store, &s, diag));
    slk_chain_wake(t->opts->chain);
    slk_log(SLK_LOG_INFO, "post",
            "f0%" PRIu64 ", deadline %" PRIu64 ": %" PRIu64
            " faulty sectors that can be read are declared recovered",
            t->miner, window->index, sectors);
out:
    slk_buf_free(&params);
    return err;
}
