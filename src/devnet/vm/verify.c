/* Proofs and signatures, by the same library that makes them. */

#include "selkie/verify.h"
#include "base/assert.h"
#include "crypto/keys/key.h"
#include "devnet/vm/machine_impl.h"
#include "selkie/piece.h"

#include <string.h>

static slk_exit_t not_here(slk_rt_t *rt, const char *what)
{
    return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                        "%s cannot be verified by this development chain yet", what);
}

/* An answer of the library as the actors see it: what is wrong with the input is a "no". */
static slk_exit_t answer(slk_rt_t *rt, slk_err_t err, bool *ok)
{
    if (err == SLK_ERR_INPUT || err == SLK_ERR_FIELD || err == SLK_ERR_FORMAT ||
        err == SLK_ERR_LENGTH) {
        *ok = false;
        err = SLK_OK;
    }
    /* No verifying key: nothing that anybody sends may stop the chain. */
    if (err == SLK_ERR_STATE)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "the proof cannot be verified on this development chain: %s",
                            slk_rt_diag(rt)->text);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}

/* --- Seals ------------------------------------------------------------------------------------------------ */

slk_exit_t slk_rt_verify_seals(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt, bool *ok)
{
    const slk_machine_env_t *env = &rt->machine->env;
    for (size_t i = 0; i < cnt; i++) {
        const slk_seal_info_t *info = &infos[i];
        slk_seal_claim_t claim = {.miner = info->miner,
                                  .sector = info->sector,
                                  .ticket = info->ticket,
                                  .seed = info->seed,
                                  .comm_d = info->comm_d,
                                  .comm_r = info->comm_r};
        SLK_RT_TRY(slk_rt_charge(rt, slk_gas_price(SLK_GAS_SEAL_PROOF)));
        ok[i] = false;
        slk_err_t err = info->seal_proof < 0 || info->seal_proof > INT32_MAX
                            ? SLK_ERR_INPUT
                            : slk_porep_by_id(&claim.porep, (int)info->seal_proof, slk_rt_diag(rt));
        if (err == SLK_OK)
            err = slk_seal_verify(&ok[i], &claim, info->proof.b, info->proof.len, env->params_dir,
                                  env->job, slk_rt_diag(rt));
        SLK_RT_TRY(answer(rt, err, &ok[i]));
    }
    return SLK_EXIT_OK;
}

slk_exit_t slk_rt_verify_aggregate(slk_rt_t *rt, const slk_seal_info_t *infos, size_t cnt,
                                   int64_t aggregate_type, slk_bytes_t proof, bool *ok)
{
    (void)infos;
    (void)cnt;
    (void)aggregate_type;
    (void)proof;
    *ok = false;
    return not_here(rt, "an aggregate of seal proofs");
}

slk_exit_t slk_rt_verify_replica_update(slk_rt_t *rt, int64_t update_proof,
                                        const slk_node_t *old_comm_r, const slk_node_t *new_comm_r,
                                        const slk_node_t *comm_d, slk_bytes_t proof, bool *ok)
{
    (void)update_proof;
    (void)old_comm_r;
    (void)new_comm_r;
    (void)comm_d;
    (void)proof;
    *ok = false;
    return not_here(rt, "a replica update");
}

/* --- PoSt --------------------------------------------------------------------------------------------------- */

slk_exit_t slk_rt_verify_window_post(slk_rt_t *rt, uint64_t miner, int64_t post_proof,
                                     const slk_node_t *randomness, const slk_post_sector_t *sectors,
                                     size_t cnt, slk_bytes_t proof, bool *ok)
{
    const slk_machine_env_t *env = &rt->machine->env;
    slk_post_t post;
    slk_node_t drawn = *randomness;
    slk_post_public_t *pub = slk_arena_array(slk_rt_arena(rt), cnt, sizeof *pub);
    size_t kept = 0;
    (void)miner; /* the challenges of a window proof do not depend on who proves */
    *ok = false;
    if (!pub)
        return slk_machine_fatal(rt->machine, "no memory for the sectors of a proof");
    SLK_RT_TRY(slk_rt_charge(rt, slk_gas_price(SLK_GAS_WINDOW_POST) +
                                     (int64_t)cnt * slk_gas_price(SLK_GAS_WINDOW_POST_SECTOR)));
    for (size_t i = 0; i < cnt; i++)
        if (!kept || pub[kept - 1].sector != sectors[i].sector) {
            pub[kept].sector = sectors[i].sector;
            pub[kept++].comm_r = sectors[i].comm_r;
        }
    slk_post_randomness(&drawn);
    slk_err_t err = post_proof < 0 || post_proof > INT32_MAX
                        ? SLK_ERR_INPUT
                        : slk_post_by_id(&post, (int)post_proof, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_post_verify(ok, &post, &drawn, pub, kept, proof.b, proof.len, env->params_dir,
                              env->job, slk_rt_diag(rt));
    return answer(rt, err, ok);
}

/* --- Signatures and commitments ---------------------------------------------------------------------------------- */

slk_exit_t slk_rt_verify_signature(slk_rt_t *rt, int type, slk_bytes_t signature,
                                   const slk_address_t *signer, const void *bytes, size_t len,
                                   bool *ok)
{
    slk_address_t key = *signer;
    uint64_t id;
    *ok = false;
    if (!slk_address_is_key(signer)) {
        bool found;
        SLK_RT_TRY(slk_rt_resolve(rt, signer, &id, &found));
        if (found)
            SLK_RT_TRY(slk_rt_account_key(rt, id, &key, &found));
        if (!found)
            return SLK_EXIT_OK;
    }
    SLK_RT_TRY(slk_rt_charge(rt, slk_gas_price(type == SLK_KEY_BLS ? SLK_GAS_SIGNATURE_BLS
                                                                   : SLK_GAS_SIGNATURE_SECP256K1)));
    slk_err_t err = slk_sig_verify(ok, &key, (unsigned)type, signature.b, signature.len, bytes, len,
                                   slk_rt_diag(rt));
    return err == SLK_ERR_UNSUPPORTED ? SLK_EXIT_OK : answer(rt, err, ok);
}

slk_exit_t slk_rt_comm_d(slk_rt_t *rt, int64_t seal_proof, const slk_rt_piece_t *pieces, size_t cnt,
                         slk_node_t *comm_d)
{
    slk_porep_t porep;
    slk_piece_t *rows = slk_arena_array(slk_rt_arena(rt), cnt, sizeof *rows);
    if (!rows)
        return slk_machine_fatal(rt->machine, "no memory for the pieces of a sector");
    SLK_RT_TRY(slk_rt_charge(rt, slk_gas_price(SLK_GAS_COMM_D)));
    for (size_t i = 0; i < cnt; i++)
        rows[i] = (slk_piece_t){pieces[i].comm_p, pieces[i].size};
    slk_err_t err = seal_proof < 0 || seal_proof > INT32_MAX
                        ? SLK_ERR_INPUT
                        : slk_porep_by_id(&porep, (int)seal_proof, slk_rt_diag(rt));
    if (err == SLK_OK)
        err = slk_piece_comm_d(comm_d, porep.size->bytes, rows, cnt, slk_rt_diag(rt));
    if (err == SLK_ERR_INPUT || err == SLK_ERR_LENGTH || err == SLK_ERR_FIELD)
        return slk_rt_abort(rt, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                            "failed to compute unsealed sector CID: %s", slk_rt_diag(rt)->text);
    return slk_rt_err(rt, err, SLK_EXIT_FATAL);
}
