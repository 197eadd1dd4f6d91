#include "manager/seal/batch_impl.h"

#include <string.h>

/* --- Collateral ---------------------------------------------------------------------------- */

bool slk_batch_collateral(slk_making_t *m, slk_bigint_t amount, slk_bigint_t *send)
{
    const slk_miner_config_t *config = m->world->config;
    const slk_bigint_t zero = {0};
    slk_bigint_t available;
    *send = amount;
    if (!config->collateral_from_miner_balance)
        return true;
    *send = zero;
    if (config->disable_collateral_fallback)
        return true;
    if (!slk_making_look(m, m->world->ops->available(m->world->ctx, m->miner, &available, &m->said),
                         NULL))
        return false;
    available = slk_bigint_max(zero, slk_bigint_sub(available, config->available_balance_buffer));
    *send = slk_bigint_max(zero, slk_bigint_sub(amount, available));
    return true;
}

/* --- Sender -------------------------------------------------------------------------------- */

enum { SENDERS_MAX = SLK_CONFIG_SENDERS_MAX + 2 };

typedef struct {
    slk_address_t at[SENDERS_MAX];
    size_t cnt;
} senders_t;

typedef const char configured_t[SLK_CONFIG_SENDERS_MAX][SLK_CONFIG_TEXT_MAX / 4];

/* In the order in which they are tried. False: a text of the settings is no address. */
static bool list_senders(slk_making_t *m, senders_t *senders)
{
    const slk_miner_config_t *config = m->world->config;
    configured_t *const by_kind[SLK_BATCH_CNT] = {
        [SLK_BATCH_PRE_COMMIT] = &config->pre_commit_control,
        [SLK_BATCH_COMMIT] = &config->commit_control,
        [SLK_BATCH_TERMINATE] = &config->terminate_control,
    };
    configured_t *texts = by_kind[m->kind];
    *senders = (senders_t){0};
    for (size_t i = 0; i < SLK_CONFIG_SENDERS_MAX && *(*texts)[i]; i++)
        if (slk_address_from_text(&senders->at[senders->cnt++], (*texts)[i], &m->said) != SLK_OK)
            return false;
    if (!senders->cnt || !config->disable_worker_fallback)
        senders->at[senders->cnt++] = m->info.worker;
    if (!config->disable_owner_fallback)
        senders->at[senders->cnt++] = m->info.owner;
    return true;
}

static bool may_act(const slk_making_t *m, const slk_address_t *id)
{
    bool may = slk_address_eq(id, &m->info.worker) || slk_address_eq(id, &m->info.owner);
    for (size_t i = 0; i < m->info.control_addresses.count; i++)
        may |= slk_address_eq(id, &m->info.control_addresses.items[i]);
    return may;
}

bool slk_batch_sender(slk_making_t *m, const slk_bigint_t *funds, slk_address_t *from)
{
    const slk_world_t *w = m->world;
    senders_t senders;
    slk_bigint_t most = {0}, balance;
    bool any = false, there;
    if (!list_senders(m, &senders)) {
        slk_making_look(m, SLK_LOOK_TROUBLE, NULL);
        return false;
    }
    for (size_t i = 0; i < senders.cnt; i++) {
        slk_address_t id;
        if (!slk_making_look(m, w->ops->sender(w->ctx, &senders.at[i], &id, &balance, &m->said),
                             &there))
            return false;
        if (!there || !may_act(m, &id))
            continue;
        if (slk_bigint_cmp(&balance, funds) >= 0) {
            *from = id;
            return true;
        }
        if (!any || slk_bigint_cmp(&balance, &most) > 0) {
            any = true;
            most = balance;
            *from = id;
        }
    }
    if (!any) {
        slk_fail(&m->said, SLK_ERR_STATE,
                 "none of the %zu addresses that may send %ss of miner f0%" PRIu64
                 " has a key here and is on chain",
                 senders.cnt, slk_batch_kind_name(m->kind), m->miner);
        slk_making_look(m, SLK_LOOK_TROUBLE, NULL);
    }
    return any;
}
