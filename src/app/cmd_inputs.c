#include "app/cmd_inputs.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "selkie/r1cs.h"
#include "selkie/verify.h"

#include <stdlib.h>

static slk_err_t claim_of(slk_seal_claim_t *out, const slk_args_t *args, slk_diag_t *diag)
{
    *out = (slk_seal_claim_t){.miner = args->opt[SLK_OPT_MINER].num,
                              .sector = args->opt[SLK_OPT_SECTOR].num,
                              .ticket = args->opt[SLK_OPT_TICKET].node,
                              .seed = args->opt[SLK_OPT_SEED].node,
                              .comm_d = args->opt[SLK_OPT_COMM_D].node,
                              .comm_r = args->opt[SLK_OPT_COMM_R].node};
    return slk_porep_registered(&out->porep, args->opt[SLK_OPT_SIZE].size,
                                args->opt[SLK_OPT_POREP].text, diag);
}

slk_err_t slk_run_seal_inputs(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_seal_claim_t claim;
    slk_node_t *inputs = NULL;
    SLK_TRY(claim_of(&claim, args, &app->diag));
    SLK_TRY(slk_seal_inputs(&inputs, &claim, &app->diag));
    json_t *list = json_array();
    size_t cnt = slk_porep_input_cnt(&claim.porep);
    for (uint32_t k = 0; k < claim.porep.partitions; k++) {
        json_t *partition = json_array();
        for (size_t i = 0; i < cnt; i++)
            json_array_append_new(partition, json_string(slk_node_hex(&inputs[k * cnt + i]).s));
        json_array_append_new(list, partition);
    }
    slk_result_json(app, "public_inputs_le", list);
out:
    free(inputs);
    return err;
}

slk_err_t slk_run_seal_verify(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_seal_claim_t claim;
    char *proof = NULL;
    size_t len;
    bool valid;
    SLK_TRY(claim_of(&claim, args, &app->diag));
    SLK_TRY(slk_read_file(&proof, &len, args->words[0], SLK_PROOF_FILE_MAX, &app->diag));
    SLK_TRY(slk_app_job(app, args, "run it again"));
    SLK_TRY(slk_seal_verify(&valid, &claim, proof, len, NULL, &app->job, &app->diag));
    slk_app_verdict_of(app, args, args->words[0], valid);
out:
    free(proof);
    return err;
}
