/* Kinds of actors, their codes and their tables of methods. */

#include "base/assert.h"
#include "devnet/vm/machine_impl.h"

#include <stdlib.h>

/* Codes: the bundle "devnet" of the real actors v18, whose names and state layouts these have. */
static const struct {
    const char *name, *code;
    const slk_actor_t *actor;
} kinds[SLK_ACTOR_CNT] = {
    [SLK_ACTOR_SYSTEM] = {"system",
                          "bafk2bzacedced5maxljwmavukjvtnmknpzoullfcwk3upaz5x5hvvdl2pk24e",
                          &slk_actor_system},
    [SLK_ACTOR_INIT] = {"init", "bafk2bzaced23vlf6nemlulavy2ouxuvudxe3jbu4klc74tcgruafrqu2fnt3c",
                        &slk_actor_init},
    [SLK_ACTOR_CRON] = {"cron", "bafk2bzacedrv5m6tczd6dz6ly3zmenkljnokovduvgkbmgxvsawbalerciieg",
                        &slk_actor_cron},
    [SLK_ACTOR_ACCOUNT] = {"account",
                           "bafk2bzacedpmhtrp2kdjoga2phrbi3f7z7wn25s3tluxoagcu7hsg2ppktxbw",
                           &slk_actor_account},
    [SLK_ACTOR_POWER] = {"storagepower",
                         "bafk2bzacebydegz3ap6xgejojdu3usfddhyrj476f25ooahgcqko6d7djynas",
                         &slk_actor_power},
    [SLK_ACTOR_MINER] = {"storageminer",
                         "bafk2bzacedhvcxgdz2w75izwa5s5dwvsrxsnzkjcbpbresziyrrjrsvjzwvxe",
                         &slk_actor_miner},
    [SLK_ACTOR_MARKET] = {"storagemarket",
                          "bafk2bzacecjrg6jueodndhwtkaa3n2v2tkjakmzu4c57hrhg5ige4d4kjggcg",
                          &slk_actor_market},
    [SLK_ACTOR_REWARD] = {"reward",
                          "bafk2bzacedchalmz2omgitfunbqg5opzcvrlvju77k6dr5zt2poyy7jjzkvwa",
                          &slk_actor_reward},
    [SLK_ACTOR_VERIFREG] = {"verifiedregistry",
                            "bafk2bzaceccqnqgyehy72nkmujvpyibikslvpyxfhpqivzjmbkmdbme5xzm2u",
                            &slk_actor_verifreg},
    [SLK_ACTOR_DATACAP] = {"datacap",
                           "bafk2bzaceamho7atkl2a7c3m3t24v6tf3wzceaewp3ph6rjmwza3xdy3gmqb6",
                           &slk_actor_datacap},
    [SLK_ACTOR_MULTISIG] = {"multisig",
                            "bafk2bzacecquc4zxikmjfwsiyzx4tbxlsvauf53c7spf3hdz6jwmkczyqwbrg", NULL},
};

const char *slk_actor_kind_name(slk_actor_kind_t kind)
{
    return kind > SLK_ACTOR_NONE && kind < SLK_ACTOR_CNT ? kinds[kind].name : "none";
}

slk_cid_t slk_actor_code(slk_actor_kind_t kind)
{
    slk_cid_t cid;
    SLK_ASSERT(kind > SLK_ACTOR_NONE && kind < SLK_ACTOR_CNT);
    if (slk_cid_from_text(&cid, kinds[kind].code, NULL) != SLK_OK)
        abort();
    return cid;
}

slk_actor_kind_t slk_actor_kind_of_code(const slk_cid_t *code)
{
    for (unsigned kind = SLK_ACTOR_NONE + 1; kind < SLK_ACTOR_CNT; kind++) {
        slk_cid_t cid = slk_actor_code(kind);
        if (slk_cid_eq(&cid, code))
            return kind;
    }
    return SLK_ACTOR_NONE;
}

const slk_actor_t *slk_actor_table(slk_actor_kind_t kind)
{
    return kind > SLK_ACTOR_NONE && kind < SLK_ACTOR_CNT ? kinds[kind].actor : NULL;
}
